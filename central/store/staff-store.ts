import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import { type Role, role as roleSchema } from "../../contract/people.ts";
import type { Clock } from "../clock.ts";
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
  /** When it ended; null while it holds. */
  readonly validTo: number | null;
  /** When it will end by itself; null: when somebody ends it. */
  readonly endsAt: number | null;
  readonly lastSeenAt: number | null;
  /** May see people in full where the place's kind allows it and is approved. */
  readonly fullView: boolean;
  /** Holds at the places below this one too. */
  readonly includeChildren: boolean;
  /** Counts the changes; what a change names in If-Match. */
  readonly version: number;
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
  readonly endsAt?: number | null;
  readonly fullView?: boolean;
  readonly includeChildren?: boolean;
}

export type GrantChange = Partial<Pick<Grant, "role" | "endsAt" | "fullView" | "includeChildren">>;

/** Places above each other, whatever the data says: a circle in it ends here. */
const mostAbove = 10;

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
  /** Changes a grant that holds and is still at `version`; false when it is not. */
  changeGrant(id: string, version: number, change: GrantChange): Promise<boolean>;
  /** How many grants this person gave to others since. */
  addedSince(addedBy: string, since: number): Promise<number>;
  /** Takes the full view from everybody at a place. */
  clearFullView(checkpointId: string): Promise<void>;
  currentGrants(checkpointId: string): Promise<Grant[]>;
  /** The right somebody has at a place now: its own, or the nearest one above that holds below too. */
  currentGrant(checkpointId: string, personRef: string): Promise<Grant | null>;
  /** Every right the person has or had at a place, its own first, then those above that hold below too. */
  grantsAt(checkpointId: string, personRef: string): Promise<Grant[]>;
  /** Every grant the person has or had, newest first. */
  grantsOf(personRef: string): Promise<Grant[]>;
  /** Ids of the places this person owns now. */
  ownedBy(personRef: string): Promise<string[]>;
  markSeen(personRef: string, now: number): Promise<void>;
}

export function staffStore(db: Kysely<Tables>, sealer: Sealer, keys: CentralKeys, clock: Clock): StaffStore {
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
    validTo: row.valid_to ?? (row.ends_at !== null && row.ends_at <= clock.now() ? row.ends_at : null),
    endsAt: row.ends_at,
    lastSeenAt: row.last_seen_at,
    fullView: row.full_view === 1,
    includeChildren: row.include_children === 1,
    version: row.version,
  });
  const grants = () => db.selectFrom("staff_grant").selectAll();
  const current = () =>
    grants()
      .where("valid_to", "is", null)
      .where((is) => is.or([is("ends_at", "is", null), is("ends_at", ">", clock.now())]));
  const knownPerson = async (phone: string): Promise<string | null> => {
    const row = await db
      .selectFrom("person")
      .select("ref")
      .where("phone_tag", "=", keys.tag("phone", phone))
      .executeTakeFirst();
    return row?.ref ?? null;
  };
  const grantsAt = async (checkpointId: string, personRef: string): Promise<Grant[]> => {
    const rows = await db
      .withRecursive("above(id, depth)", (is) =>
        is
          .selectFrom("checkpoint")
          .select(["id", sql<number>`0`.as("depth")])
          .where("id", "=", checkpointId)
          .unionAll(
            is
              .selectFrom("checkpoint")
              .innerJoin("above", "above.id", "checkpoint.id")
              .where("checkpoint.parent_id", "is not", null)
              .where("above.depth", "<", mostAbove)
              .select([sql<string>`checkpoint.parent_id`.as("id"), sql<number>`above.depth + 1`.as("depth")]),
          ),
      )
      .selectFrom("staff_grant")
      .innerJoin("above", "above.id", "staff_grant.checkpoint_id")
      .selectAll("staff_grant")
      .where("person_ref", "=", personRef)
      .where((is) => is.or([is("depth", "=", 0), is("include_children", "=", 1)]))
      .orderBy("depth")
      .orderBy("valid_from", "desc")
      .execute();
    return rows.map(read);
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
      // One that ended by itself makes room for the next.
      await db
        .updateTable("staff_grant")
        .set((is) => ({ valid_to: is.ref("ends_at") }))
        .where("checkpoint_id", "=", grant.checkpointId)
        .where("person_ref", "=", grant.personRef)
        .where("valid_to", "is", null)
        .where("ends_at", "<=", clock.now())
        .execute();
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
          full_view: Number(grant.fullView ?? false),
          include_children: Number(grant.includeChildren ?? false),
          ends_at: grant.endsAt ?? null,
          version: 1,
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
    async changeGrant(id, version, { role, endsAt, fullView, includeChildren }) {
      const result = await db
        .updateTable("staff_grant")
        .set({
          version: version + 1,
          ...(role === undefined ? {} : { role }),
          ...(endsAt === undefined ? {} : { ends_at: endsAt }),
          ...(fullView === undefined ? {} : { full_view: Number(fullView) }),
          ...(includeChildren === undefined ? {} : { include_children: Number(includeChildren) }),
        })
        .where("id", "=", id)
        .where("version", "=", version)
        .where("valid_to", "is", null)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async addedSince(addedBy, since) {
      const row = await db
        .selectFrom("staff_grant")
        .select((is) => is.fn.countAll().as("count"))
        .where("added_by", "=", addedBy)
        .where("person_ref", "!=", addedBy)
        .where("valid_from", ">", since)
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async clearFullView(checkpointId) {
      await db
        .updateTable("staff_grant")
        .set((is) => ({ full_view: 0, version: is("version", "+", 1) }))
        .where("checkpoint_id", "=", checkpointId)
        .where("full_view", "=", 1)
        .execute();
    },
    async currentGrants(checkpointId) {
      const rows = await current()
        .where("checkpoint_id", "=", checkpointId)
        .orderBy("valid_from")
        .orderBy("id")
        .execute();
      return rows.map(read);
    },
    async currentGrant(checkpointId, personRef) {
      return (await grantsAt(checkpointId, personRef)).find(({ validTo }) => validTo === null) ?? null;
    },
    grantsAt,
    async grantsOf(personRef) {
      const rows = await grants()
        .where("person_ref", "=", personRef)
        .orderBy("valid_from", "desc")
        .orderBy("id")
        .execute();
      return rows.map(read);
    },
    async ownedBy(personRef) {
      const rows = await current().where("person_ref", "=", personRef).where("role", "=", "owner").execute();
      return rows.map((row) => row.checkpoint_id);
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
