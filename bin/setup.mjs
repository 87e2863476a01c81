// Runs on whatever Node the machine has (20 or later), with no dependency: brings the project's own node_modules and
// Node 24, and the build. Everything it prints goes to standard error, so that the machine-readable lines of a command
// stay alone on standard output.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const inCheckout = existsSync(path.join(root, "vite.config.ts"));

/** Ends with one sentence and exit code 1. */
export function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** The Node that runs the programs: this one where it is new enough, else the pinned one. */
export function node24() {
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  const platform = process.platform === "win32" ? "win" : process.platform;
  const program = process.platform === "win32" ? "node.exe" : "node";
  const pinned = path.join(root, "node_modules", `node-${platform}-${process.arch}`, "bin", program);
  if (!existsSync(pinned)) {
    fail(
      `Trạm QR needs Node 24; this is ${process.version} and none is pinned for ${platform}-${process.arch}: install Node 24.`,
    );
  }
  return pinned;
}

/** `npm ci` when node_modules is missing or older than the lock file. */
export function ensureDependencies() {
  if (!inCheckout) return;
  const lock = path.join(root, "package-lock.json");
  const installed = path.join(root, "node_modules", ".package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  if (lstatSync(path.join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) {
    fail("node_modules is a link and older than package-lock.json: run npm ci where it leads to, or remove the link.");
  }
  process.stderr.write("Installing the project's libraries and its own Node 24 (once, about a minute)...\n");
  const npm = process.env.npm_execpath;
  const args = ["ci", "--loglevel=error", "--no-audit", "--no-fund"];
  const result = npm?.endsWith(".js")
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (result.status !== 0) fail("npm ci failed (see above): check the network and run the command again.");
}

const builtFrom = [
  "agent",
  "central",
  "cli",
  "contract",
  "drivers",
  "kiosk-ui",
  "provisioning",
  "bin",
  "vite.config.ts",
  "package-lock.json",
];

function newestChange(file) {
  const stat = statSync(file);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(file).map((name) => newestChange(path.join(file, name))));
}

/** Builds page, live page, programs and shell when a source is newer than the last build. */
export function ensureBuild() {
  if (!inCheckout) return;
  const stamp = path.join(root, "dist", ".built");
  const newest = Math.max(...builtFrom.map((name) => newestChange(path.join(root, name))));
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest) return;
  process.stderr.write("Building...\n");
  runOn24(["bin/build.mjs"], [0, 2, 2]);
}

/** Runs a script on Node 24 in the project folder and ends with its exit code when it fails. */
export function runOn24(args, stdio = "inherit") {
  const node = node24();
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ""}` };
  const result = spawnSync(node, args, { cwd: root, stdio, env });
  if (result.status !== 0) process.exit(result.status ?? 1);
}
