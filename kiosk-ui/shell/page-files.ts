import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { isPageUrl } from "./page-origin.ts";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

// The window has no network, not even to the agent: everything goes through the message port. 'self' is what is listed here;
// the camera's decoder (WebAssembly, in a worker) is fetched from it.
const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
    "img-src 'self' blob:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** URL path to file, of the regular files of a known type; fixed at start, so that no request becomes a path of the disk. */
export function listPageFiles(kioskDir: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(kioskDir, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !contentTypes[extname(entry.name)]) continue;
    files.set(`/${relative(kioskDir, file).split(sep).join("/")}`, file);
  }
  return files;
}

/** Answers one request of the window: a listed file with its type and the page's policy, otherwise 404 with nothing. */
export function answerPageRequest(files: ReadonlyMap<string, string>, { url, method }: Request): Response {
  const file = method === "GET" && isPageUrl(url) ? files.get(new URL(url).pathname) : undefined;
  if (!file) return new Response(null, { status: 404, headers: pageHeaders });
  const contentType = contentTypes[extname(file)] ?? "application/octet-stream";
  return new Response(readFileSync(file), { headers: { ...pageHeaders, "content-type": contentType } });
}
