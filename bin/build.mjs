// Builds every part of vite.config.ts in one process and stamps the result.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "vite";
import { parts } from "../vite.config.ts";
import { root } from "./setup.mjs";

for (const part of Object.values(parts)) await build({ ...part, configFile: false, logLevel: "warn" });
mkdirSync(path.join(root, "dist"), { recursive: true });
writeFileSync(path.join(root, "dist", ".built"), "");
