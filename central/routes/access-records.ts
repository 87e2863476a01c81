import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { AccessRecord, AccessRecordsPage } from "../../contract/privacy.ts";
import { type Central, callerOf } from "../context.ts";
import { checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import type { StoredAccessRecord } from "../store/access-record-store.ts";

const query = z.object({
  checkpoint_id: z.uuid().optional(),
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
/** Cursors of this list are bound to it and not to a place. */
const listName = "access-records";

/** Who looked at or changed what: for the owners of the places it happened at. */
export function accessRecordRoutes(server: FastifyInstance, central: Central): void {
  server.get("/v1/access-records", async (request): Promise<AccessRecordsPage> => {
    const { personRef } = await callerOf(central, request);
    const { checkpoint_id, after, limit } = checked(request.query, query);
    const { store, cursors } = central;
    const owned = await store.staff.ownedBy(personRef);
    if (owned.length === 0 || (checkpoint_id !== undefined && !owned.includes(checkpoint_id))) {
      throw new HttpProblem("forbidden", "Only an owner of this place may read its access log.");
    }
    const before = after === undefined ? Number.MAX_SAFE_INTEGER : cursors.open(listName, after);
    if (before === null) throw new HttpProblem("cursor_expired", "Load the list again from its start.");
    const places = checkpoint_id === undefined ? owned : [checkpoint_id];
    const records = await store.accessRecords.newest(places, before, limit);
    const last = records.at(-1);
    const names = new Map<string, string | null>();
    for (const { actor, checkpointId } of records) {
      const key = `${checkpointId} ${actor}`;
      if (!names.has(key)) names.set(key, await nameOf(central, actor, checkpointId));
    }
    return {
      items: records.map((record) => recordOf(record, names.get(`${record.checkpointId} ${record.actor}`) ?? null)),
      cursor: last && records.length === limit ? cursors.seal(listName, last.seq) : null,
      head: await store.accessRecords.head(),
    };
  });
}

/** What the actor is called at the place, also after its right there ended. */
async function nameOf({ store }: Central, actor: string, checkpointId: string | null): Promise<string | null> {
  const grants = await store.staff.grantsOf(actor);
  return grants.find((grant) => grant.checkpointId === checkpointId && grant.displayName !== "")?.displayName ?? null;
}

function recordOf(record: StoredAccessRecord, actorName: string | null): AccessRecord {
  return {
    seq: record.seq,
    at: new Date(record.at).toISOString(),
    action: record.action,
    actor: record.actor,
    actor_name: actorName,
    checkpoint_id: record.checkpointId,
    objects: [...record.objects],
    purpose: record.purpose,
    reason: record.reason,
    hash: record.hash,
  };
}
