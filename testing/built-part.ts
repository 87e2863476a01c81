import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import { parts } from "../vite.config.ts";

/** Builds one program part as it ships and returns its files, name to text. */
export async function buildPart(name: "preload" | "shell"): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), `tram-${name}-`));
  const part = parts[name];
  await build({ ...part, configFile: false, logLevel: "error", build: { ...part?.build, outDir: folder } });
  const files = new Map<string, string>();
  for (const file of await readdir(folder)) files.set(file, await readFile(join(folder, file), "utf8"));
  await rm(folder, { recursive: true });
  return files;
}
