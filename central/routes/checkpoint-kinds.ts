import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { type CheckpointKind, type checkpointKindList, checkpointKinds, fullViewKinds } from "../../contract/places.ts";
import { sendTagged } from "../etag.ts";

const kinds: readonly CheckpointKind[] = Object.keys(checkpointKinds) as CheckpointKind[];
const answer: z.infer<typeof checkpointKindList> = {
  kinds: kinds.map((code) => ({
    code,
    names: checkpointKinds[code],
    full_view_possible: fullViewKinds.includes(code),
  })),
};

/** What an owner chooses the kind of a place from. */
export function checkpointKindRoutes(server: FastifyInstance): void {
  server.get("/v1/checkpoint-kinds", async (request, reply) =>
    sendTagged(request, reply.header("cache-control", "public, max-age=3600"), answer),
  );
}
