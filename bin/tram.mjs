#!/usr/bin/env node
// The program `tram`: on Node 24 it is the program, on an older Node it hands over to the pinned one.
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureBuild, ensureDependencies, node24, root } from "./setup.mjs";

ensureDependencies();
ensureBuild();
const node = node24();
if (node === process.execPath) {
  await import(pathToFileURL(path.join(root, "dist", "tram", "tram.js")).href);
} else {
  // The channel tells the program when this process is gone, however it ended.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
