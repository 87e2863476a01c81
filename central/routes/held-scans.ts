import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type HeldScan, heldDecision } from "../../contract/privacy.ts";
import { type Central, callerOf } from "../context.ts";
import { bodyOf, checked } from "../http-body.ts";
import { positionOf } from "../listing.ts";
import { maskedSubject } from "../masking.ts";
import type { StoredEntry } from "../store/entry-store.ts";
import { ownerHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const query = z.object({
  after: z.string().max(100).default(""),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

/** Scans made after a right had ended: the owner says whether they count. */
export function heldScanRoutes(server: FastifyInstance, central: Central): void {
  server.get("/v1/checkpoints/:id/held-scans", async (request) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const { after, limit } = checked(request.query, query);
    await ownerHere(central.store, id, caller);
    const { entries } = central.store;
    const held = await entries.held(id, positionOf(central, id, after), limit);
    const names = await staffNames(central, id, held);
    const last = held.at(-1);
    return {
      items: held.map((entry) => heldScanOf(entry, names)),
      cursor: last && held.length === limit ? central.cursors.seal(id, last.position) : null,
      total: await entries.heldCount(id),
    };
  });

  for (const [verb, review, action] of [
    ["accept", "accepted", "held_accepted"],
    ["discard", "discarded", "held_discarded"],
  ] as const) {
    server.post(`/v1/checkpoints/:id/held-scans::${verb}`, async (request) => {
      const caller = await callerOf(central, request);
      const { id } = checked(request.params, place);
      const { entry_ids, reason } = bodyOf(request, heldDecision);
      const decided = await central.store.transaction(async (store) => {
        await ownerHere(store, id, caller);
        const objects = await store.entries.decide(id, [...new Set(entry_ids)], review);
        if (objects.length > 0) {
          await central.accessLog.write(store, { action, actor: caller.personRef, checkpointId: id, objects, reason });
        }
        return objects.length;
      });
      if (decided > 0) central.live.changed(id);
      return { changed: decided };
    });
  }
}

/** Names of the members who made these scans, by their `ref`. */
async function staffNames(
  { store }: Central,
  checkpointId: string,
  entries: readonly StoredEntry[],
): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const ref of new Set(entries.flatMap(({ staffRef }) => staffRef ?? []))) {
    const grants = await store.staff.grantsOf(ref);
    const here = grants.find((grant) => grant.checkpointId === checkpointId);
    if (here) names.set(ref, here.displayName);
  }
  return names;
}

function heldScanOf(entry: StoredEntry, names: ReadonlyMap<string, string>): HeldScan {
  return {
    entry_id: entry.id,
    at: new Date(entry.correctedAt).toISOString(),
    received_at: new Date(entry.receivedAt).toISOString(),
    clock_state: entry.clockState,
    direction: entry.direction,
    reader_label: entry.readerLabel,
    device_id: entry.deviceId,
    because: entry.lateBecause ?? "staff",
    staff_name: entry.staffRef === null ? null : (names.get(entry.staffRef) ?? null),
    subject: { ...maskedSubject(entry.fields), code_kind: entry.kind },
  };
}
