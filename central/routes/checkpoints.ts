import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { type Checkpoint, checkpointChange, newCheckpoint, placeMerge, placeReason } from "../../contract/places.ts";
import { type Central, callerOf } from "../context.ts";
import { detailTag, sendTagged, sendWithTag, versionTag, wantedVersion } from "../etag.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { checkpointDetailOf, checkpointOf } from "../place-view.ts";
import { changePlace, mergePlace, type OwnPlace, registerPlace, reissueCode, setPlaceState } from "../places.ts";
import type { Store } from "../store/store.ts";
import { grantHere } from "./rights.ts";

const params = z.object({ id: z.uuid() });
/** The router takes a colon after a parameter only where the parameter has a form. */
const placePath = "/v1/checkpoints/:id([0-9a-fA-F-]{36})";

/** Registering and changing places, and the places the caller serves. */
export function checkpointRoutes(server: FastifyInstance, central: Central): void {
  /** One change in one transaction, answered with the place as it is then. */
  const change = async (
    request: FastifyRequest,
    work: (store: Store, personRef: string, id: string) => Promise<OwnPlace>,
  ): Promise<Checkpoint> => {
    const { personRef, audience } = await callerOf(central, request);
    const { id } = checked(request.params, params);
    if (audience !== "owner") throw new HttpProblem("forbidden", "Sign in as an owner to change a place.");
    const { place, grant } = await central.store.transaction((store) => work(store, personRef, id));
    central.live.changed(id);
    return checkpointOf(central, place, grant);
  };

  server.post("/v1/checkpoints", async (request, reply) => {
    const { personRef, audience } = await callerOf(central, request);
    const body = bodyOf(request, newCheckpoint);
    if (audience !== "owner") throw new HttpProblem("forbidden", "Sign in as an owner to register a place.");
    const { place, grant } = await central.store.transaction((store) => registerPlace(central, store, personRef, body));
    return reply
      .code(201)
      .header("etag", versionTag(place.version))
      .send(checkpointOf(central, place, grant));
  });

  server.get("/v1/checkpoints/:id", async (request, reply) => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, params);
    const grant = await grantHere(central.store, id, personRef);
    const place = await central.store.checkpoints.find(id);
    if (!place) throw new Error("A grant has its place.");
    const text = JSON.stringify(await checkpointDetailOf(central, central.store, place, grant));
    return sendWithTag(request, reply, detailTag(place.version, text), () => text);
  });

  server.patch("/v1/checkpoints/:id", async (request, reply) => {
    const body = bodyOf(request, checkpointChange);
    const answer = await change(request, (store, personRef, id) =>
      changePlace(central, store, personRef, id, wantedVersion(request), body),
    );
    return reply.header("etag", versionTag(answer.version)).send(answer);
  });

  for (const [action, state] of [
    ["suspend", "suspended"],
    ["resume", "active"],
    ["close", "closed"],
  ] as const) {
    server.post(`${placePath}::${action}`, async (request) => {
      const { reason } = bodyOf(request, placeReason);
      return change(request, (store, personRef, id) => setPlaceState(central, store, personRef, id, state, reason));
    });
  }

  server.post(`${placePath}::merge`, async (request) => {
    const { into, reason } = bodyOf(request, placeMerge);
    const answer = await change(request, (store, personRef, id) =>
      mergePlace(central, store, personRef, id, into, reason),
    );
    central.live.changed(into);
    return answer;
  });

  server.post(`${placePath}::reissue-code`, async (request) => {
    const { reason } = bodyOf(request, placeReason);
    return change(request, (store, personRef, id) => reissueCode(central, store, personRef, id, reason));
  });

  server.get("/v1/me/checkpoints", async (request, reply) => {
    const { personRef } = await callerOf(central, request);
    const { staff, checkpoints } = central.store;
    const grants = (await staff.grantsOf(personRef)).filter(({ validTo }) => validTo === null);
    const ids = new Set(grants.map(({ checkpointId }) => checkpointId));
    for (const { checkpointId } of grants.filter(({ includeChildren }) => includeChildren)) {
      for (const below of await checkpoints.tree(checkpointId)) ids.add(below);
    }
    const items: Checkpoint[] = [];
    for (const id of ids) {
      const place = await checkpoints.find(id);
      const grant = await staff.currentGrant(id, personRef);
      if (place && grant) items.push(checkpointOf(central, place, grant));
    }
    return sendTagged(request, reply, { items });
  });
}
