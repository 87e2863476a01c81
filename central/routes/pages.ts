import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { CentralFault } from "../fault.ts";

/** What the page may do: its own scripts and styles, calls to this service, nothing else. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/**
 * Serves the built pages at `/pages/`; an address typed by hand leads there.
 * @throws CentralFault when they have not been built.
 */
export function pageRoutes(server: FastifyInstance, folder: string): void {
  if (!existsSync(join(folder, "index.html"))) {
    throw new CentralFault(`There are no pages in ${folder}: build them with vite build --mode pages, or give none.`);
  }
  void server.register(fastifyStatic, {
    root: folder,
    prefix: "/pages/",
    index: "index.html",
    dotfiles: "deny",
    setHeaders(response, path) {
      response.header("content-security-policy", pagePolicy);
      response.header(
        "cache-control",
        // Built files carry their hash in the name; the page itself must always be the current one.
        /[\\/]assets[\\/]/.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
      );
    },
  });
  // Addresses people type or programs print; relative ones in the pages need the slash.
  for (const [typed, page] of [
    ["/", "/pages/"],
    ["/pages", "/pages/"],
    ["/live", "/pages/#/live"],
    // Printed on posters.
    ["/check", "/pages/#/check"],
  ] as const) {
    server.get(typed, async (_request, reply) => reply.redirect(page, 307));
  }
}
