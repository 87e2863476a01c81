import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { Role } from "../../contract/people.ts";
import { type checkpoint, newCheckpoint } from "../../contract/places.ts";
import { type Central, callerOf } from "../context.ts";
import { bodyOf, wrongValue } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { gatePolicyDefaults } from "../policy.ts";
import type { StoredCheckpoint } from "../store/checkpoint-store.ts";
import { normalisedPhone } from "./auth.ts";

type Answer = z.input<typeof checkpoint>;

/** Registering places, and the places the caller serves. */
export function checkpointRoutes(server: FastifyInstance, central: Central): void {
  server.post("/v1/checkpoints", async (request, reply) => {
    const { personRef, audience } = await callerOf(central, request);
    const body = bodyOf(request, newCheckpoint);
    if (audience !== "owner") throw new HttpProblem("forbidden", "Sign in as an owner to register a place.");
    const { address, retention_days } = body;
    if (address?.province_code === undefined || address.commune_code === undefined) {
      throw wrongValue("/address", "required", "A place needs an address.");
    }
    if (retention_days === undefined) throw wrongValue("/retention_days", "required", "Say how long entries are kept.");
    const { province_code, commune_code, line } = address;
    const known = { units_version: address.units_version ?? "2025-07-01", province_code, commune_code, line };
    const wanted = { ...body, phone: normalisedPhone(body.phone) };
    const contentTag = central.keys.tag("checkpoint-content", JSON.stringify([personRef, wanted]));
    const answer = await central.store.transaction(async (store) => {
      const existing = await store.checkpoints.find(wanted.id);
      if (existing) {
        const grant = await store.staff.currentGrant(existing.id, personRef);
        if (existing.contentTag !== contentTag || !grant) {
          throw new HttpProblem("id_conflict", "This id is taken by another place.");
        }
        return checkpointOf(central, existing, grant.role);
      }
      const now = central.clock.now();
      const created: StoredCheckpoint = {
        id: wanted.id,
        name: wanted.name,
        kind: wanted.kind,
        kindStatus: "declared",
        phone: wanted.phone,
        address: known,
        retentionDays: retention_days,
        contentTag,
        createdBy: personRef,
        createdAt: now,
      };
      await store.checkpoints.add(created);
      const id = randomUUID();
      await store.staff.addGrant({
        id,
        checkpointId: created.id,
        personRef,
        role: "owner",
        displayName: "",
        contentTag: central.keys.tag("staff-content", id),
        addedBy: personRef,
        validFrom: now,
      });
      return checkpointOf(central, created, "owner");
    });
    return reply.code(201).send(answer);
  });

  server.get("/v1/me/checkpoints", async (request) => {
    const { personRef } = await callerOf(central, request);
    const grants = await central.store.staff.grantsOf(personRef);
    const items: Answer[] = [];
    for (const grant of grants.filter(({ validTo }) => validTo === null)) {
      const checkpoint = await central.store.checkpoints.find(grant.checkpointId);
      if (checkpoint) items.push(checkpointOf(central, checkpoint, grant.role));
    }
    return { items };
  });
}

function checkpointOf(central: Central, checkpoint: StoredCheckpoint, role: Role): Answer {
  return {
    id: checkpoint.id,
    name: checkpoint.name,
    kind: checkpoint.kind,
    kind_status: checkpoint.kindStatus,
    address: checkpoint.address,
    policy: gatePolicyDefaults,
    role,
    place_code: central.codes.placeCode(central.publicUrl(), checkpoint.id, checkpoint.createdAt),
  };
}
