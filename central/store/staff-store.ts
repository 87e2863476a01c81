import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { type Role, role as roleSchema } from "../../contract/people.ts";
import type { CentralKeys } from "../keys.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** Somebody's right at a checkpoint, from `validFrom` until `validTo` (ms since the epoch; null: still valid). */
export interface Grant {
  readonly id: string;
  readonly checkpointId: string;
  readonly personRef: string;
  readonly role: Role;
  readonly displayName: string;
  readonly contentTag: string;
  readonly validFrom: number;
  readonly validTo: number | null;
  readonly lastSeenAt: number | null;
}

export interface NewGrant {
  readonly id: string;
  readonly checkpointId: string;
  readonly personRef: string;
  readonly role: Role;
  readonly displayName: string;
  readonly contentTag: string;
  readonly addedBy: string;
  readonly validFrom: number;
}

/** People and their rights. A person is a phone number; the `ref` is what everything else names. */
export interface StaffStore {
  /** The person of a normalised phone, made when there is none. */
  personOf(phone: string, now: number): Promise<string>;
  knownPerson(phone: string): Promise<string | null>;
  phoneOf(personRef: string): Promise<string | null>;
  addGrant(grant: NewGrant): Promise<void>;
  grant(id: string): Promise<Grant | null>;
  /** Ends a grant; the row stays, because rights are judged at the time of the scan. */
  endGrant(id: string, now: number): Promise<void>;
  currentGrants(checkpointId: string): Promise<Grant[]>;
  currentGrant(checkpointId: string, personRef: string): Promise<Grant | null>;
  /** Every grant the person has or had, newest first. */
  grantsOf(personRef: string): Promise<Grant[]>;
  markSeen(personRef: string, now: number): Promise<void>;
}

export function staffStore(db: Kysely<Tables>, sealer: Sealer, keys: CentralKeys): StaffStore {
  const phonePlace = (ref: string) => ["person.phone", ref];
  const namePlace = (id: string, checkpointId: string, personRef: string) => [
    "staff_grant.name",
    id,
    checkpointId,
    personRef,
  ];
  const read = (row: Tables["staff_grant"]): Grant => ({
    id: row.id,
    checkpointId: row.checkpoint_id,
    personRef: row.person_ref,
    role: roleSchema.parse(row.role),
    displayName: sealer.open(namePlace(row.id, row.checkpoint_id, row.person_ref), row.name_sealed),
    contentTag: row.content_tag,
    validFrom: row.valid_from,
    validTo: row.valid_to,
    lastSeenAt: row.last_seen_at,
  });
  const grants = () => db.selectFrom("staff_grant").selectAll();
  const knownPerson = async (phone: string): Promise<string | null> => {
    const row = await db
      .selectFrom("person")
      .select("ref")
      .where("phone_tag", "=", keys.tag("phone", phone))
      .executeTakeFirst();
    return row?.ref ?? null;
  };

  return {
    knownPerson,
    async personOf(phone, now) {
      const known = await knownPerson(phone);
      if (known !== null) return known;
      const ref = randomUUID();
      await db
        .insertInto("person")
        .values({
          ref,
          phone_tag: keys.tag("phone", phone),
          phone_sealed: sealer.seal(phonePlace(ref), phone),
          created_at: now,
        })
        .execute();
      return ref;
    },
    async phoneOf(personRef) {
      const row = await db.selectFrom("person").selectAll().where("ref", "=", personRef).executeTakeFirst();
      return row ? sealer.open(phonePlace(row.ref), row.phone_sealed) : null;
    },
    async addGrant(grant) {
      await db
        .insertInto("staff_grant")
        .values({
          id: grant.id,
          checkpoint_id: grant.checkpointId,
          person_ref: grant.personRef,
          role: grant.role,
          name_sealed: sealer.seal(namePlace(grant.id, grant.checkpointId, grant.personRef), grant.displayName),
          content_tag: grant.contentTag,
          added_by: grant.addedBy,
          valid_from: grant.validFrom,
          valid_to: null,
          last_seen_at: null,
        })
        .execute();
    },
    async grant(id) {
      const row = await grants().where("id", "=", id).executeTakeFirst();
      return row ? read(row) : null;
    },
    async endGrant(id, now) {
      await db
        .updateTable("staff_grant")
        .set({ valid_to: now })
        .where("id", "=", id)
        .where("valid_to", "is", null)
        .execute();
    },
    async currentGrants(checkpointId) {
      const rows = await grants()
        .where("checkpoint_id", "=", checkpointId)
        .where("valid_to", "is", null)
        .orderBy("valid_from")
        .orderBy("id")
        .execute();
      return rows.map(read);
    },
    async currentGrant(checkpointId, personRef) {
      const row = await grants()
        .where("checkpoint_id", "=", checkpointId)
        .where("person_ref", "=", personRef)
        .where("valid_to", "is", null)
        .executeTakeFirst();
      return row ? read(row) : null;
    },
    async grantsOf(personRef) {
      const rows = await grants()
        .where("person_ref", "=", personRef)
        .orderBy("valid_from", "desc")
        .orderBy("id")
        .execute();
      return rows.map(read);
    },
    async markSeen(personRef, now) {
      await db
        .updateTable("staff_grant")
        .set({ last_seen_at: now })
        .where("person_ref", "=", personRef)
        .where("valid_to", "is", null)
        .execute();
    },
  };
}
