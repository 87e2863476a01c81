import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { maskPhone, newStaff, type StaffMember } from "../../contract/people.ts";
import { type Central, callerOf } from "../context.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { rolesManagedBy } from "../policy.ts";
import type { Grant } from "../store/staff-store.ts";
import type { Store } from "../store/store.ts";
import { normalisedPhone } from "./auth.ts";
import { grantHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const member = z.object({ id: z.uuid(), staff_id: z.uuid() });

/** Who may scan at a place. */
export function staffRoutes(server: FastifyInstance, central: Central): void {
  server.get("/v1/checkpoints/:id/staff", async (request) => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const managed = rolesManagedBy((await managerHere(central.store, id, personRef)).role);
    const grants = await central.store.staff.currentGrants(id);
    const items: StaffMember[] = [];
    for (const grant of grants) if (managed.includes(grant.role)) items.push(await memberOf(central.store, grant));
    return { items };
  });

  server.post("/v1/checkpoints/:id/staff", async (request, reply) => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const body = bodyOf(request, newStaff);
    const phone = normalisedPhone(body.phone);
    const contentTag = central.keys.tag(
      "staff-content",
      JSON.stringify([id, body.id, phone, body.display_name, body.role]),
    );
    const answer = await central.store.transaction(async (store) => {
      const manager = await managerHere(store, id, personRef);
      if (!rolesManagedBy(manager.role).includes(body.role)) {
        throw new HttpProblem("role_too_high", "A supervisor may add scanners only.");
      }
      const existing = await store.staff.grant(body.id);
      if (existing) {
        if (existing.contentTag === contentTag && existing.validTo === null) return memberOf(store, existing);
        throw new HttpProblem("id_conflict", "This id is taken by another staff member.");
      }
      const now = central.clock.now();
      const newPerson = await store.staff.personOf(phone, now);
      const current = await store.staff.currentGrant(id, newPerson);
      if (current) {
        // A supervisor learns nothing about those above it.
        const shown = rolesManagedBy(manager.role).includes(current.role) ? { staff_id: current.id } : {};
        throw new HttpProblem("already_staff", "This phone is already staff of this place.", shown);
      }
      await store.staff.addGrant({
        id: body.id,
        checkpointId: id,
        personRef: newPerson,
        role: body.role,
        displayName: body.display_name,
        contentTag,
        addedBy: personRef,
        validFrom: now,
      });
      const added = await store.staff.grant(body.id);
      if (!added) throw new Error("The grant just added is missing.");
      return memberOf(store, added);
    });
    return reply.code(201).send(answer);
  });

  server.delete("/v1/checkpoints/:id/staff/:staff_id", async (request, reply) => {
    const { personRef } = await callerOf(central, request);
    const { id, staff_id } = checked(request.params, member);
    await central.store.transaction(async (store) => {
      const manager = await managerHere(store, id, personRef);
      const grant = await store.staff.grant(staff_id);
      if (!grant || grant.checkpointId !== id || grant.validTo !== null) return;
      if (!rolesManagedBy(manager.role).includes(grant.role)) {
        throw new HttpProblem("role_too_high", "A supervisor may remove scanners only.");
      }
      if (grant.role === "owner") {
        const owners = (await store.staff.currentGrants(id)).filter(({ role }) => role === "owner");
        if (owners.length === 1) throw new HttpProblem("last_owner", "Name another owner of this place first.");
      }
      await store.staff.endGrant(grant.id, central.clock.now());
    });
    central.live.changed(id);
    return reply.code(204).send();
  });
}

/** The caller's grant, when it is one that manages staff. @throws HttpProblem `forbidden`. */
async function managerHere(store: Store, checkpointId: string, personRef: string): Promise<Grant> {
  const grant = await grantHere(store, checkpointId, personRef);
  if (rolesManagedBy(grant.role).length === 0) {
    throw new HttpProblem("forbidden", "Only owners and supervisors manage staff.");
  }
  return grant;
}

async function memberOf(store: Store, grant: Grant): Promise<StaffMember> {
  const phone = await store.staff.phoneOf(grant.personRef);
  return {
    staff_id: grant.id,
    phone_masked: phone === null ? "" : maskPhone(phone),
    display_name: grant.displayName || (phone === null ? "" : maskPhone(phone)),
    role: grant.role,
    added_at: new Date(grant.validFrom).toISOString(),
    last_seen: grant.lastSeenAt === null ? null : new Date(grant.lastSeenAt).toISOString(),
    full_view: false,
    include_children: false,
    valid_to: null,
    version: 1,
  };
}
