import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { batchRequest, direction } from "../../contract/entries.ts";
import { maxBatchBytes } from "../../contract/limits.ts";
import { entriesView, viewPurpose } from "../../contract/privacy.ts";
import { anyCallerOf, type Central, callerOf } from "../context.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { ingestBatch, type Uploader } from "../ingest.ts";
import { listPage } from "../listing.ts";
import { type UploadPlace, uploadGate } from "../upload-gate.ts";
import { viewHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });

/** How people are wanted to be seen, of lists and streams. */
export const viewQuery = {
  view: entriesView.default("masked"),
  purpose: viewPurpose.nullable().default(null),
  include_children: z.stringbool({ truthy: ["true"], falsy: ["false"] }).default(false),
};
const query = z.object({
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  direction: direction.optional(),
  ...viewQuery,
});

/** Uploads in hand at once. One takes about 2 MiB while it is read, and they are stored one after the other. */
const uploadsInHand = 32;
const inProgressS = 5;

/** Upload of the journal and the masked list. */
export function entryRoutes(server: FastifyInstance, central: Central): void {
  const gate = uploadGate(uploadsInHand);
  const places = new WeakMap<FastifyRequest, UploadPlace>();
  const busyDevices = new Set<string>();
  // Before the body: more than can be stored soon, and anybody unknown, never get half a megabyte into memory.
  const admit = async (request: FastifyRequest, reply: FastifyReply) => {
    const place = gate.enter();
    if (!place) {
      const retryAfterS = 1 + 4 * Math.random();
      throw new HttpProblem("rate_limited", "Too many uploads at once; send this one again soon.", { retryAfterS });
    }
    reply.raw.once("close", () => place.release());
    places.set(request, place);
    await uploaderOf(central, request);
  };
  server.post("/v1/entries::batch", { bodyLimit: maxBatchBytes, onRequest: admit }, async (request) => {
    const place = places.get(request);
    // A caller who hangs up frees nothing while the service still works for it.
    place?.hold();
    try {
      const uploader = await uploaderOf(central, request);
      const batch = bodyOf(request, batchRequest);
      if (busyDevices.has(batch.device_id)) {
        throw new HttpProblem("in_progress", "An earlier upload of this device is still being stored.", {
          retryAfterS: inProgressS,
        });
      }
      busyDevices.add(batch.device_id);
      try {
        return await ingestBatch(central, uploader, batch);
      } finally {
        busyDevices.delete(batch.device_id);
      }
    } finally {
      place?.release();
    }
  });

  server.get("/v1/checkpoints/:id/entries", async (request) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const { after = null, limit, direction: wanted = null, ...seen } = checked(request.query, query);
    const { grant, checkpointIds, look } = await viewHere(central, id, caller, {
      view: seen.view,
      purpose: seen.purpose,
      includeChildren: seen.include_children,
    });
    const { role } = grant;
    return listPage(central, { checkpointId: id, checkpointIds, role, limit, direction: wanted, after }, look);
  });
}

async function uploaderOf(central: Central, request: FastifyRequest): Promise<Uploader> {
  const caller = await anyCallerOf(central, request);
  const jkt = await central.proofs.thumbprint(request);
  return caller.audience === "device"
    ? { personRef: null, deviceId: caller.deviceId, jkt }
    : { personRef: caller.personRef, deviceId: null, jkt };
}
