// The programs the tests drive for real. As root on Debian or Ubuntu missing ones are installed; anybody else is told
// their names. Nothing is skipped: without them the tests would fail one by one, here they fail with one sentence.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fail } from "./setup.mjs";

const testTools = [
  {
    debianPackage: "chromium",
    found: () => process.env.CHROME_PATH !== undefined || onPath("chromium", "google-chrome", "chromium-browser"),
  },
  { debianPackage: "openssl", found: () => onPath("openssl") },
  // Draws the posters' PDF as a printer would, and tells what is in it.
  { debianPackage: "poppler-utils", found: () => onPath("pdftoppm") },
  { debianPackage: "socat", found: () => onPath("socat") },
  // The faults of every commit preload a small library of their own, compiled where it runs.
  { debianPackage: "gcc", found: () => onPath("gcc") },
  { debianPackage: "libc6-dev", found: () => existsSync("/usr/include/stdio.h") },
];

const faultTools = [
  ...testTools,
  { debianPackage: "e2fsprogs", found: () => onPath("mkfs.ext4") },
  { debianPackage: "mount", found: () => onPath("losetup") },
  { debianPackage: "faketime", found: () => onPath("faketime") },
  { debianPackage: "libfaketime", found: () => library("faketime/libfaketime.so.1") },
  { debianPackage: "libeatmydata1", found: () => library("libeatmydata.so") },
];

/** Whether a library to preload is in one of the folders Debian keeps them in. */
function library(name) {
  const folders = ["/usr/lib", ...["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu`)];
  return folders.some((folder) => existsSync(path.join(folder, name)));
}

/** Whether one of these programs is there; those of the administrator are often not in a user's own PATH. */
export function onPath(...names) {
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), "/usr/sbin", "/sbin"];
  return names.some((name) => folders.some((folder) => existsSync(path.join(folder, name))));
}

export function ensureTestTools() {
  if (process.platform === "win32") return;
  ensurePackages(testTools, "npm test");
}

/** `again` is the command that needs them. */
export function ensureFaultTools(again) {
  if (process.platform !== "linux") {
    fail(`The faults are made with Linux's own tools; this is ${process.platform}: run ${again} on Debian or Ubuntu.`);
  }
  ensurePackages(faultTools, again);
}

/** Installs the Debian packages of `tools` that are missing, or names them; `again` is the command that needs them. */
export function ensurePackages(tools, again) {
  const missing = tools.filter((tool) => !tool.found()).map((tool) => tool.debianPackage);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0 || !onPath("apt-get")) {
    fail(`The tests need ${missing.join(" and ")}: install with "sudo ${command}" and run ${again} again.`);
  }
  process.stderr.write(`Installing Debian packages for the tests: ${missing.join(", ")}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const run = (args) => spawnSync("apt-get", args, { stdio: ["ignore", 2, 2], env }).status === 0;
  const ok = run(["-qq", "update"]) && run(["-qq", "install", "-y", "--no-install-recommends", ...missing]);
  if (!ok) fail(`Installing ${missing.join(", ")} failed (see above): install them by hand and run ${again} again.`);
}
