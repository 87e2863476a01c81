import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Checkpoint } from "../../contract/places.ts";
import { kindDecision } from "../../contract/places.ts";
import { anyPersonOf, type Central } from "../context.ts";
import { versionTag } from "../etag.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { checkpointOf } from "../place-view.ts";
import { decideKind } from "../places.ts";
import type { OfficialGrant } from "../store/official-store.ts";
import type { Store } from "../store/store.ts";

const place = z.object({ id: z.uuid() });

/** What officials do about places. Of people they see counts only, which is another part. */
export function officialRoutes(server: FastifyInstance, central: Central): void {
  server.post("/v1/checkpoints/:id([0-9a-fA-F-]{36})::approve-kind", async (request, reply) => {
    const personRef = await officialOf(central, request);
    const { id } = checked(request.params, place);
    const { decision, reference } = bodyOf(request, kindDecision);
    const answer = await central.store.transaction(async (store): Promise<Checkpoint> => {
      await checkScope(store, id, await store.officials.current(personRef));
      const decided = await decideKind(central, store, personRef, id, decision, reference);
      // An official is no staff: it is told of the place what a scanner is.
      return checkpointOf(central, decided, { role: "scanner", fullView: false });
    });
    central.live.changed(id);
    return reply.header("etag", versionTag(answer.version)).send(answer);
  });
}

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
