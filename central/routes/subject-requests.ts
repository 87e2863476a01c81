import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { carryOutSubjectRequest, newSubjectRequest, refuseSubjectRequest } from "../../contract/privacy.ts";
import { type Central, callerOf } from "../context.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { acknowledge, carryOut, refuse, type SubjectActor, subjectRequestOf, takeDown } from "../subject-requests.ts";

const named = z.object({ id: z.uuid() });
const requestPath = "/v1/subject-requests/:id([0-9a-fA-F-]{36})";
const mostListed = 200;

/** What people ask about their own data, taken down and carried out by owners for the places they own. */
export function subjectRequestRoutes(server: FastifyInstance, central: Central): void {
  /** @throws HttpProblem `forbidden` for whoever owns no place. */
  const actorOf = async (request: FastifyRequest): Promise<SubjectActor> => {
    const { personRef, audience } = await callerOf(central, request);
    const places = await central.store.staff.ownedBy(personRef);
    if (audience !== "owner" || places.length === 0) {
      throw new HttpProblem("forbidden", "Only owners of places, signed in as such, answer requests about data.");
    }
    return { ref: personRef, places };
  };

  server.post("/v1/subject-requests", async (request, reply) => {
    const actor = await actorOf(request);
    const taken = await takeDown(central, actor, bodyOf(request, newSubjectRequest));
    return reply.code(201).send(subjectRequestOf(taken));
  });

  server.get("/v1/subject-requests", async (request) => {
    const { ref } = await actorOf(request);
    const requests = await central.store.subjects.madeBy(ref, mostListed);
    return { items: requests.map(subjectRequestOf) };
  });

  server.post(`${requestPath}::acknowledge`, async (request) => {
    const { id } = checked(request.params, named);
    return subjectRequestOf(await acknowledge(central, await actorOf(request), id));
  });

  server.post(`${requestPath}::refuse`, async (request) => {
    const { id } = checked(request.params, named);
    const { reason } = bodyOf(request, refuseSubjectRequest);
    return subjectRequestOf(await refuse(central, await actorOf(request), id, reason));
  });

  server.post(`${requestPath}::carry-out`, async (request) => {
    const { id } = checked(request.params, named);
    const { correction } = bodyOf(request, carryOutSubjectRequest);
    const done = await carryOut(central, await actorOf(request), id, correction);
    for (const place of done.places) central.live.changed(place);
    return { ...done.outcome, request: subjectRequestOf(done.request) };
  });
}
