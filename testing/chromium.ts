import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const debianPath = "/usr/bin/chromium";

// No background traffic: a test browser talks to the test's own server and to nobody else.
const flags = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The Chromium of this machine: `CHROME_PATH`, or Debian's. Throws one sentence naming the package when it is missing. */
export function chromiumPath(): string {
  const path = process.env.CHROME_PATH ?? debianPath;
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw new Error(`No Chromium at ${path}: install Debian package chromium, or set CHROME_PATH.`, { cause });
  }
}

/**
 * Starts a headless Chromium for tests; close it when done. A missing one fails the test: a page test that did not run
 * must not look like one that passed. `--no-sandbox` only as root, where Chromium refuses to start without it.
 */
export async function launchChromium(extraFlags: readonly string[] = []): Promise<Browser> {
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return await chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    args: [...flags, ...asRoot, ...extraFlags],
  });
}
