import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Fetching the shell's program may take this long before an installed browser is used instead. */
const fetchWithinMs = 10_000;

/**
 * The shell's program: the folder named by ELECTRON_OVERRIDE_DIST_PATH, or what the package has fetched. It is fetched
 * at first use, where its release host can be reached within seconds; null otherwise.
 */
export function obtainElectron(): string | null {
  const folder = electronPackage();
  if (!process.env.ELECTRON_OVERRIDE_DIST_PATH && folder !== null && !isFetched(folder)) {
    spawnSync(process.execPath, [path.join(folder, "install.js")], { stdio: "ignore", timeout: fetchWithinMs });
  }
  return findElectron();
}

/** The shell's program as far as it is here already, null otherwise. */
export function findElectron(): string | null {
  const program = process.platform === "win32" ? "electron.exe" : "electron";
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (override) return existing(path.join(override, program));
  const folder = electronPackage();
  return folder !== null && isFetched(folder) ? existing(path.join(folder, "dist", program)) : null;
}

function electronPackage(): string | null {
  try {
    return path.dirname(createRequire(import.meta.url).resolve("electron"));
  } catch {
    return null;
  }
}

/** The package writes this file last: without it a download was cut short. */
const isFetched = (folder: string): boolean => existsSync(path.join(folder, "path.txt"));

function existing(file: string): string | null {
  return existsSync(file) ? file : null;
}

/** Why no window can be opened here, or null. As root no browser is started: it would have to drop its sandbox. */
export function whyNoWindow(): string | null {
  if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return "no display here";
  if (process.getuid?.() === 0) return "browsers do not run as root";
  return null;
}

/**
 * Opens a file in an installed Chromium, Chrome or Edge as a window of its own; false when none is there. A file, not
 * the address: arguments can be read by every user of the machine, and the address holds the screen token. `video` plays
 * in the place of a camera.
 */
export function openInBrowser(file: string, profileDir: string, video?: string): boolean {
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
    "--start-maximized",
    "--autoplay-policy=no-user-gesture-required",
    ...(video === undefined ? [] : videoFlags(video)),
  ];
  const window = spawn(browser, flags, { stdio: "ignore", detached: false });
  window.on("error", () => {});
  window.unref();
  return true;
}

function videoFlags(video: string): string[] {
  return [
    "--use-fake-device-for-media-stream",
    "--auto-accept-camera-and-microphone-capture",
    `--use-file-for-fake-video-capture=${path.resolve(video)}`,
  ];
}

/** An installed Chromium, Chrome or Edge, null when there is none. */
export function findBrowser(): string | null {
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
