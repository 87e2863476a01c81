import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Where the shell's program lies, or null: it is downloaded at first use and may be out of reach. */
export function findElectron(): string | null {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const program = process.platform === "win32" ? "electron.exe" : "electron";
  try {
    const folder = override ?? path.join(path.dirname(createRequire(import.meta.url).resolve("electron")), "dist");
    const file = path.join(folder, program);
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
}

/** Why no window can be opened here, or null. As root no browser is started: it would have to drop its sandbox. */
export function whyNoWindow(): string | null {
  if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return "no display here";
  if (process.getuid?.() === 0) return "browsers do not run as root";
  return null;
}

/**
 * Opens a file in an installed Chromium, Chrome or Edge as a window of its own; false when none is there. A file, not
 * the address: arguments can be read by every user of the machine, and the address holds the screen token.
 */
export function openInBrowser(file: string, profileDir: string): boolean {
  const browser = findBrowser();
  if (browser === null) return false;
  mkdirSync(profileDir, { recursive: true, mode: 0o700 });
  const flags = [
    `--app=${pathToFileURL(file).href}`,
    `--user-data-dir=${profileDir}`,
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
  ];
  const window = spawn(browser, flags, { stdio: "ignore", detached: false });
  window.on("error", () => {});
  window.unref();
  return true;
}

function findBrowser(): string | null {
  if (process.platform === "win32") {
    const roots = [process.env.ProgramFiles, process.env["ProgramFiles(x86)"], process.env.LOCALAPPDATA];
    const programs = ["Google\\Chrome\\Application\\chrome.exe", "Microsoft\\Edge\\Application\\msedge.exe"];
    const files = roots.flatMap((root) => (root ? programs.map((program) => path.join(root, program)) : []));
    return files.find((file) => existsSync(file)) ?? null;
  }
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const files = names.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return files.find((file) => existsSync(file)) ?? null;
}
