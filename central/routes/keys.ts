import { createHash } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Central } from "../context.ts";

/** Public keys, for machines that check codes by themselves. */
export function keyRoutes(server: FastifyInstance, central: Central): void {
  const { publicKeys } = central.codes;
  const etag = `"${createHash("sha256").update(JSON.stringify(publicKeys)).digest("base64url").slice(0, 22)}"`;
  server.get("/v1/keys", async (request, reply) => {
    reply.header("etag", etag).header("cache-control", "public, max-age=3600");
    return request.headers["if-none-match"] === etag ? reply.code(304).send() : publicKeys;
  });
}
