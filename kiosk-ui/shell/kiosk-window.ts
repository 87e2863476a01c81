import { BrowserWindow, type WebContents } from "electron";
import { isPageKey } from "./keys.ts";
import { pageUrl } from "./page-origin.ts";
import { report } from "./report.ts";

const reloadAfterMs = 1_000;

/** Opens the one locked window on the page and brings the page back whenever its process ends. */
export function openKioskWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    kiosk: true,
    fullscreen: true,
    backgroundColor: "#0b1a29",
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      devTools: false,
      spellcheck: false,
      disableDialogs: true,
      // The tones must sound on a gate that nobody ever touches.
      autoplayPolicy: "no-user-gesture-required",
    },
  });
  window.webContents.on("render-process-gone", (_event, { reason, exitCode }) => {
    report("page-gone", { reason, exitCode });
    setTimeout(() => load(window), reloadAfterMs);
  });
  window.webContents.on("unresponsive", () => window.webContents.forcefullyCrashRenderer());
  load(window);
  return window;
}

function load(window: BrowserWindow): void {
  if (window.isDestroyed()) return;
  window.loadURL(pageUrl).catch((error: unknown) => {
    report("page-not-loaded", { reason: String(error) });
    setTimeout(() => load(window), reloadAfterMs);
  });
}

/** Denies what leads out of the page: navigation, windows, webviews, key combinations (printing, developer tools). */
export function lockDown(contents: WebContents): void {
  contents.on("will-navigate", (event) => event.preventDefault());
  contents.on("will-frame-navigate", (event) => event.preventDefault());
  contents.on("will-redirect", (event) => event.preventDefault());
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: "deny" }));
  contents.on("before-input-event", (event, input) => {
    if (!isPageKey(input)) event.preventDefault();
  });
}
