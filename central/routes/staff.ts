import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { maskPhone, newStaff, type StaffMember, staffChange } from "../../contract/people.ts";
import { type Central, callerOf } from "../context.ts";
import { refuseOldVersion, versionTag, wantedVersion } from "../etag.ts";
import { bodyOf, checked, wrongValue } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { fullViewPossible, rolesManagedBy } from "../policy.ts";
import type { Grant, GrantChange } from "../store/staff-store.ts";
import type { Store } from "../store/store.ts";
import type { Caller } from "../tokens.ts";
import { normalisedPhone } from "./auth.ts";
import { grantHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const member = z.object({ id: z.uuid(), staff_id: z.uuid() });

/** More people than a large place adds at once; a stolen sign-in fills no list of phones. */
const additionsInWindow = 200;
const additionsWindowMs = 3_600_000;

/** Who may scan at a place. */
export function staffRoutes(server: FastifyInstance, central: Central): void {
  const note = (
    store: Store,
    action: "staff_added" | "staff_changed" | "staff_removed",
    actor: string,
    grant: Pick<Grant, "id" | "personRef" | "checkpointId" | "role" | "fullView">,
  ) =>
    central.accessLog.write(store, {
      action,
      actor,
      checkpointId: grant.checkpointId,
      objects: [grant.id, grant.personRef],
      reason: `${grant.role}${grant.fullView ? ", full view" : ""}`,
    });

  server.get("/v1/checkpoints/:id/staff", async (request) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const managed = rolesManagedBy((await managerHere(central.store, id, caller)).role);
    const grants = await central.store.staff.currentGrants(id);
    const items: StaffMember[] = [];
    for (const grant of grants) if (managed.includes(grant.role)) items.push(await memberOf(central.store, grant));
    return { items };
  });

  server.post("/v1/checkpoints/:id/staff", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const body = bodyOf(request, newStaff);
    const phone = normalisedPhone(body.phone);
    const wanted = {
      role: body.role,
      fullView: body.full_view ?? false,
      includeChildren: body.include_children ?? false,
      endsAt: endOf(central, body.valid_to),
    };
    const contentTag = central.keys.tag(
      "staff-content",
      JSON.stringify([id, body.id, phone, body.display_name, ...Object.values(wanted)]),
    );
    const answer = await central.store.transaction(async (store) => {
      const manager = await managerHere(store, id, caller);
      if (!rolesManagedBy(manager.role).includes(body.role)) {
        throw new HttpProblem("role_too_high", "A supervisor may add scanners only.");
      }
      await checkReach(store, id, manager, wanted);
      const existing = await store.staff.grant(body.id);
      if (existing) {
        if (existing.contentTag === contentTag && existing.validTo === null) return memberOf(store, existing);
        throw new HttpProblem("id_conflict", "This id is taken by another staff member.");
      }
      const now = central.clock.now();
      if ((await store.staff.addedSince(caller.personRef, now - additionsWindowMs)) >= additionsInWindow) {
        throw new HttpProblem("rate_limited", "You added many people just now; go on in an hour.", {
          retryAfterS: additionsWindowMs / 1000,
        });
      }
      const newPerson = await store.staff.personOf(phone, now);
      const current = (await store.staff.currentGrants(id)).find((grant) => grant.personRef === newPerson);
      if (current) {
        // A supervisor learns nothing about those above it.
        const shown = rolesManagedBy(manager.role).includes(current.role) ? { staff_id: current.id } : {};
        throw new HttpProblem("already_staff", "This phone is already staff of this place.", shown);
      }
      await store.staff.addGrant({
        id: body.id,
        checkpointId: id,
        personRef: newPerson,
        displayName: body.display_name,
        contentTag,
        addedBy: caller.personRef,
        validFrom: now,
        ...wanted,
      });
      const added = await store.staff.grant(body.id);
      if (!added) throw new Error("The grant just added is missing.");
      await note(store, "staff_added", caller.personRef, added);
      return memberOf(store, added);
    });
    return reply.code(201).header("etag", versionTag(answer.version)).send(answer);
  });

  server.patch("/v1/checkpoints/:id/staff/:staff_id", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id, staff_id } = checked(request.params, member);
    const body = bodyOf(request, staffChange);
    const version = wantedVersion(request);
    const answer = await central.store.transaction(async (store) => {
      const manager = await managerHere(store, id, caller);
      const managed = rolesManagedBy(manager.role);
      const grant = await store.staff.grant(staff_id);
      if (!grant || grant.checkpointId !== id || grant.validTo !== null || !managed.includes(grant.role)) {
        throw new HttpProblem("not_found", "There is no such staff member here that you manage.");
      }
      if (body.role !== undefined && !managed.includes(body.role)) {
        throw new HttpProblem("role_too_high", "A supervisor may manage scanners only.");
      }
      refuseOldVersion(version, grant.version);
      const change: GrantChange = {
        ...(body.role === undefined ? {} : { role: body.role }),
        ...(body.full_view === undefined ? {} : { fullView: body.full_view }),
        ...(body.include_children === undefined ? {} : { includeChildren: body.include_children }),
        ...(body.valid_to === undefined ? {} : { endsAt: endOf(central, body.valid_to) }),
      };
      await checkReach(store, id, manager, change);
      const changed = { ...grant, ...change };
      if (grant.role === "owner" && (changed.role !== "owner" || changed.endsAt !== null)) {
        await refuseLastOwner(store, grant);
      }
      await store.staff.changeGrant(grant.id, version, change);
      await note(store, "staff_changed", caller.personRef, changed);
      return memberOf(store, { ...changed, version: version + 1 });
    });
    central.live.changed(id);
    return reply.header("etag", versionTag(answer.version)).send(answer);
  });

  server.delete("/v1/checkpoints/:id/staff/:staff_id", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id, staff_id } = checked(request.params, member);
    await central.store.transaction(async (store) => {
      const manager = await managerHere(store, id, caller);
      const grant = await store.staff.grant(staff_id);
      if (!grant || grant.checkpointId !== id || grant.validTo !== null) return;
      if (!rolesManagedBy(manager.role).includes(grant.role)) {
        throw new HttpProblem("role_too_high", "A supervisor may remove scanners only.");
      }
      if (grant.role === "owner") await refuseLastOwner(store, grant);
      await store.staff.endGrant(grant.id, central.clock.now());
      await note(store, "staff_removed", caller.personRef, grant);
    });
    central.live.changed(id);
    return reply.code(204).send();
  });
}

/** When a right is to end by itself. @throws HttpProblem `validation` for a time that has passed. */
function endOf({ clock }: Central, validTo: string | null | undefined): number | null {
  if (validTo === null || validTo === undefined) return null;
  const endsAt = Date.parse(validTo);
  if (endsAt <= clock.now()) throw wrongValue("/valid_to", "in_the_past", "Give a time in the future.");
  return endsAt;
}

/**
 * What reaches beyond scanning at this place is an owner's to give, and the full view only where people may be seen
 * in full at all.
 * @throws HttpProblem `role_too_high`, `full_view_not_allowed`
 */
async function checkReach(
  store: Store,
  checkpointId: string,
  manager: Grant,
  { fullView, includeChildren }: GrantChange,
): Promise<void> {
  if (manager.role !== "owner" && (fullView === true || includeChildren === true)) {
    throw new HttpProblem("role_too_high", "Only an owner gives the full view or the places below.");
  }
  if (fullView !== true) return;
  const place = await store.checkpoints.find(checkpointId);
  if (!place || !fullViewPossible(place.kind, place.kindStatus)) {
    throw new HttpProblem(
      "full_view_not_allowed",
      "People are seen in full only at a hospital or quarantine post whose kind is approved.",
      { errors: [{ pointer: "/full_view", code: "not_allowed" }] },
    );
  }
}

/** @throws HttpProblem `last_owner` when nobody else owns the place without an end. */
async function refuseLastOwner(store: Store, leaving: Grant): Promise<void> {
  const others = (await store.staff.currentGrants(leaving.checkpointId)).filter(
    ({ id, role, endsAt }) => role === "owner" && endsAt === null && id !== leaving.id,
  );
  if (others.length === 0) throw new HttpProblem("last_owner", "Name another owner of this place first.");
}

/**
 * The caller's grant, when it is one that manages staff. By a sign-in of a gate an owner manages no more than a supervisor,
 * so that nobody who gets hold of that machine names owners. @throws HttpProblem `forbidden`.
 */
async function managerHere(store: Store, checkpointId: string, { personRef, audience }: Caller): Promise<Grant> {
  const own = await grantHere(store, checkpointId, personRef);
  const grant: Grant = own.role === "owner" && audience !== "owner" ? { ...own, role: "supervisor" } : own;
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
    full_view: grant.fullView,
    include_children: grant.includeChildren,
    valid_to: grant.endsAt === null ? null : new Date(grant.endsAt).toISOString(),
    version: grant.version,
  };
}
