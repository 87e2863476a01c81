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
 * Serves the built live page at `/live`.
 * @throws CentralFault when it has not been built.
 */
export function livePageRoutes(server: FastifyInstance, folder: string): void {
  if (!existsSync(join(folder, "index.html"))) {
    throw new CentralFault(`There is no live page in ${folder}: build it with vite build --mode live, or give none.`);
  }
  void server.register(fastifyStatic, {
    root: folder,
    prefix: "/live/",
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
  // Relative addresses in the page need the slash.
  server.get("/live", async (_request, reply) => reply.redirect("/live/", 308));
}
