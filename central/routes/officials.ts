import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { checkpointKind, type KindDecided, kindDecision, type OverseenPage } from "../../contract/places.ts";
import { anyPersonOf, type Central } from "../context.ts";
import { versionTag } from "../etag.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { kindDecisionOf, overseenPlaceOf } from "../place-view.ts";
import { decideKind } from "../places.ts";
import type { OfficialGrant } from "../store/official-store.ts";
import type { Store } from "../store/store.ts";

const place = z.object({ id: z.uuid() });

/** What officials do about places. Of people they see counts only, which is another part. */
export function officialRoutes(server: FastifyInstance, central: Central): void {
  server.get("/v1/checkpoints", async (request): Promise<OverseenPage> => {
    const personRef = await officialOf(central, request);
    const { kind = null, kind_status: kindStatus = null, after, limit } = checked(request.query, listQuery);
    const position = after === undefined ? 0 : central.cursors.open(placesList, after);
    if (position === null) throw new HttpProblem("cursor_expired", "Load the list again from its start.");
    const grants = await central.store.officials.current(personRef);
    const unitCodes = grants.flatMap((grant) => grant.unitCodes);
    const found = await central.store.checkpoints.overseen({ unitCodes, kind, kindStatus, position, limit });
    const last = found.length === limit ? found.at(-1) : undefined;
    return {
      items: found.map(({ place }) => overseenPlaceOf(place)),
      cursor: last ? central.cursors.seal(placesList, last.position) : null,
    };
  });

  server.post("/v1/checkpoints/:id([0-9a-fA-F-]{36})::approve-kind", async (request, reply) => {
    const personRef = await officialOf(central, request);
    const { id } = checked(request.params, place);
    const { decision, reference } = bodyOf(request, kindDecision);
    const decided = await central.store.transaction(async (store) => {
      await checkScope(store, id, await store.officials.current(personRef));
      return decideKind(central, store, personRef, id, decision, reference);
    });
    central.live.changed(id);
    const { version, kind, kindStatus: kind_status } = decided;
    const answer: KindDecided = { id, version, kind, kind_status, kind_decision: kindDecisionOf(decided) };
    return reply.header("etag", versionTag(version)).send(answer);
  });
}

/** What cursors of the list of places are sealed for. */
const placesList = "overseen places";
const listQuery = z.object({
  kind: checkpointKind.optional(),
  kind_status: z.enum(["declared", "approved"]).optional(),
  after: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

/** Who makes this call as an official. @throws HttpProblem `forbidden` for every other sign-in. */
async function officialOf(central: Central, request: FastifyRequest): Promise<string> {
  const { personRef, audience } = await anyPersonOf(central, request);
  if (audience !== "official") throw new HttpProblem("forbidden", "Only an official may do this.");
  return personRef;
}

/** @throws HttpProblem `forbidden` for a place outside the official's units, as for one that is not there. */
async function checkScope(store: Store, checkpointId: string, grants: readonly OfficialGrant[]): Promise<void> {
  const found = await store.checkpoints.find(checkpointId);
  const units = grants.flatMap(({ unitCodes }) => unitCodes);
  const { province_code, commune_code } = found?.address ?? {};
  if (![province_code, commune_code].some((code) => code !== undefined && units.includes(code))) {
    throw new HttpProblem("forbidden", "You have no right over this place.");
  }
}
