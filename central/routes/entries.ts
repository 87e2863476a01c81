import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { batchRequest, direction } from "../../contract/entries.ts";
import { maxBatchBytes } from "../../contract/limits.ts";
import { type Central, callerOf } from "../context.ts";
import { bodyOf, checked } from "../http-body.ts";
import { ingestBatch } from "../ingest.ts";
import { listPage } from "../listing.ts";
import { grantHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const query = z.object({
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  direction: direction.optional(),
});

/** Upload of the journal and the masked list. */
export function entryRoutes(server: FastifyInstance, central: Central): void {
  // Before the body: nobody unknown makes the service read and unpack half a megabyte.
  const known = async (request: FastifyRequest) => void (await callerOf(central, request));
  server.post("/v1/entries::batch", { bodyLimit: maxBatchBytes, onRequest: known }, async (request) => {
    const { personRef } = await callerOf(central, request);
    return ingestBatch(central, personRef, bodyOf(request, batchRequest));
  });

  server.get("/v1/checkpoints/:id/entries", async (request) => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const { after = null, limit, direction: wanted = null } = checked(request.query, query);
    const { role } = await grantHere(central.store, id, personRef);
    return listPage(central, { checkpointId: id, role, limit, direction: wanted, after });
  });
}
