import { type Kysely, sql } from "kysely";
import { z } from "zod";
import {
  type CheckpointKind,
  checkpointKind,
  type LateScans,
  type LegalBasis,
  lateScans,
  legalBasis,
  type PlaceNotice,
  type PlacePart,
  type PlaceState,
  placePart,
  usualNotice,
} from "../../contract/places.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** Units of the list before 2025-07-01. */
export interface FormerUnits {
  readonly province_code: string;
  readonly district_code: string;
  readonly commune_code: string;
}

export interface StoredAddress {
  readonly units_version: string;
  readonly province_code: string;
  readonly commune_code: string;
  readonly line: string;
  readonly former: FormerUnits | null;
}

/** A registered place. Times are ms since the epoch. */
export interface StoredCheckpoint {
  readonly id: string;
  /** Raised by each change. */
  readonly version: number;
  readonly name: string;
  readonly kind: CheckpointKind;
  readonly kindStatus: "declared" | "approved";
  readonly kindDecision: {
    readonly decision: "approve" | "refuse";
    readonly reference: string;
    readonly at: number;
  } | null;
  readonly state: PlaceState;
  readonly stateSince: number | null;
  readonly stateReason: string | null;
  readonly successorId: string | null;
  readonly parentId: string | null;
  readonly part: PlacePart | null;
  readonly phone: string;
  readonly address: StoredAddress;
  /** The address is the parent's, kept here too; so is the retention. */
  readonly inheritsAddress: boolean;
  readonly inheritsRetention: boolean;
  readonly retentionDays: number;
  readonly policy: { readonly record_when_expired: boolean; readonly rescan_s: number; readonly late_scans: LateScans };
  readonly legalBasis: LegalBasis;
  readonly notice: PlaceNotice;
  /** Issue of the printed code that is current. */
  readonly codeNumber: number;
  readonly codeIssuedAt: number;
  readonly contentTag: string;
  readonly createdBy: string;
  readonly createdAt: number;
}

/** Which places an official lists. */
export interface OverseenSelection {
  readonly unitCodes: readonly string[];
  readonly kind: CheckpointKind | null;
  readonly kindStatus: "declared" | "approved" | null;
  readonly position: number;
  readonly limit: number;
}

export interface CheckpointStore {
  add(checkpoint: StoredCheckpoint): Promise<void>;
  find(id: string): Promise<StoredCheckpoint | null>;
  /** Stores `changed` as the next version; false when the one it was read as is no more the current one. */
  change(changed: StoredCheckpoint): Promise<boolean>;
  /** Directly below, in order of registration. */
  children(id: string): Promise<StoredCheckpoint[]>;
  /** Above it, from the nearest to the outermost. */
  parents(id: string): Promise<StoredCheckpoint[]>;
  /** What it wants done with scans made after a right had ended. */
  lateScans(id: string): Promise<LateScans>;
  /** How long each place keeps its entries. */
  retentions(): Promise<{ id: string; retentionDays: number }[]>;
  /** Ids of the place and of all below it. */
  tree(id: string): Promise<string[]>;
  /** Ids of the place and of all that were merged into it, also by way of another. */
  withMerged(id: string): Promise<string[]>;
  /** The place itself, or the one that goes on for it in the end. */
  successor(id: string): Promise<StoredCheckpoint | null>;
  /** Open places of a commune that lie in the same place, or in none. */
  openNames(communeCode: string, parentId: string | null): Promise<{ id: string; name: string }[]>;
  /** Open places in these provinces or communes, in order of registration behind `position`, which each has. */
  overseen(selection: OverseenSelection): Promise<{ readonly place: StoredCheckpoint; readonly position: number }[]>;
  /** Open places somebody owns. */
  countOwned(personRef: string): Promise<number>;
}

const contact = z.object({
  phone: z.string(),
  line: z.string(),
  former: z
    .object({ province_code: z.string(), district_code: z.string(), commune_code: z.string() })
    .nullable()
    .default(null),
  state_reason: z.string().nullable().default(null),
});
const contactPlace = (id: string) => ["checkpoint.contact", id];
const open = ["active", "suspended"] as const;

export function checkpointStore(db: Kysely<Tables>, sealer: Sealer): CheckpointStore {
  const places = () => db.selectFrom("checkpoint").selectAll();
  const read = (row: Tables["checkpoint"]) => placeOf(row, sealer);
  const find = async (id: string): Promise<StoredCheckpoint | null> => {
    const row = await places().where("id", "=", id).executeTakeFirst();
    return row ? read(row) : null;
  };
  /** `start` and what follows from it step by step; each id once, so that a circle in the data ends it. */
  const reached = async (start: string, next: (ids: readonly string[]) => Promise<readonly string[]>) => {
    const found = new Set([start]);
    for (let front: readonly string[] = [start]; front.length > 0; ) {
      front = (await next(front)).filter((id) => !found.has(id));
      for (const id of front) found.add(id);
    }
    return [...found];
  };
  const idsWhere = async (column: "parent_id" | "successor_id", ids: readonly string[]): Promise<string[]> => {
    const rows = await db.selectFrom("checkpoint").select("id").where(column, "in", ids).execute();
    return rows.map(({ id }) => id);
  };
  const follow = async (id: string, next: (place: StoredCheckpoint) => string | null): Promise<StoredCheckpoint[]> => {
    const chain: StoredCheckpoint[] = [];
    for (let place = await find(id); place !== null; ) {
      const nextId = next(place);
      const known = nextId === null || nextId === id || chain.some((other) => other.id === nextId);
      place = known ? null : await find(nextId);
      if (place) chain.push(place);
    }
    return chain;
  };

  return {
    find,
    async add(checkpoint) {
      await db
        .insertInto("checkpoint")
        .values({
          ...rowOf(checkpoint, sealer),
          id: checkpoint.id,
          content_tag: checkpoint.contentTag,
          created_by: checkpoint.createdBy,
          created_at: checkpoint.createdAt,
          version: checkpoint.version,
        })
        .execute();
    },
    async change(changed) {
      const result = await db
        .updateTable("checkpoint")
        .set({ ...rowOf(changed, sealer), version: changed.version + 1 })
        .where("id", "=", changed.id)
        .where("version", "=", changed.version)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async children(id) {
      const rows = await places().where("parent_id", "=", id).orderBy("created_at").orderBy("id").execute();
      return rows.map(read);
    },
    parents: (id) => follow(id, ({ parentId }) => parentId),
    async lateScans(id) {
      const row = await db.selectFrom("checkpoint").select("late_scans").where("id", "=", id).executeTakeFirst();
      return lateScans.parse(row?.late_scans ?? "hold");
    },
    retentions: () =>
      db.selectFrom("checkpoint").select(["id", "retention_days as retentionDays"]).orderBy("id").execute(),
    tree: (id) => reached(id, (ids) => idsWhere("parent_id", ids)),
    withMerged: (id) => reached(id, (ids) => idsWhere("successor_id", ids)),
    async successor(id) {
      const chain = await follow(id, ({ successorId }) => successorId);
      return chain.at(-1) ?? find(id);
    },
    openNames(communeCode, parentId) {
      return db
        .selectFrom("checkpoint")
        .select(["id", "name"])
        .where("commune_code", "=", communeCode)
        .where("parent_id", "is", parentId)
        .where("state", "in", open)
        .execute();
    },
    async overseen({ unitCodes, kind, kindStatus, position, limit }) {
      if (unitCodes.length === 0) return [];
      const rowId = sql<number>`checkpoint.rowid`;
      let query = db
        .selectFrom("checkpoint")
        .selectAll()
        .select(rowId.as("position"))
        .where((is) => is.or([is("province_code", "in", unitCodes), is("commune_code", "in", unitCodes)]))
        .where("state", "in", open)
        .where(rowId, ">", position)
        .orderBy(rowId)
        .limit(limit);
      if (kind !== null) query = query.where("kind", "=", kind);
      if (kindStatus !== null) query = query.where("kind_status", "=", kindStatus);
      const rows = await query.execute();
      return rows.map((row) => ({ place: read(row), position: row.position }));
    },
    async countOwned(personRef) {
      const row = await db
        .selectFrom("staff_grant")
        .innerJoin("checkpoint", "checkpoint.id", "staff_grant.checkpoint_id")
        .select((is) => is.fn.countAll().as("count"))
        .where("staff_grant.person_ref", "=", personRef)
        .where("staff_grant.role", "=", "owner")
        .where("staff_grant.valid_to", "is", null)
        .where("checkpoint.state", "in", open)
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
  };
}

/** What a change may touch. */
function rowOf(place: StoredCheckpoint, sealer: Sealer) {
  const { address, policy, notice, part, kindDecision } = place;
  const isUsual = notice.vi === usualNotice.vi && notice.en === usualNotice.en;
  return {
    name: place.name,
    kind: place.kind,
    kind_status: place.kindStatus,
    units_version: address.units_version,
    province_code: address.province_code,
    commune_code: address.commune_code,
    contact_sealed: sealer.seal(
      contactPlace(place.id),
      JSON.stringify({
        phone: place.phone,
        line: address.line,
        former: address.former,
        state_reason: place.stateReason,
      } satisfies z.infer<typeof contact>),
    ),
    retention_days: place.retentionDays,
    state: place.state,
    state_since: place.stateSince,
    successor_id: place.successorId,
    parent_id: place.parentId,
    part_type: part?.type ?? null,
    part_label: part?.label ?? null,
    inherits_address: Number(place.inheritsAddress),
    inherits_retention: Number(place.inheritsRetention),
    record_when_expired: Number(policy.record_when_expired),
    rescan_s: policy.rescan_s,
    late_scans: policy.late_scans,
    legal_basis: place.legalBasis,
    notice_version: notice.version,
    notice_vi: isUsual ? null : notice.vi,
    notice_en: isUsual ? null : notice.en,
    code_number: place.codeNumber,
    code_issued_at: place.codeIssuedAt,
    kind_decision: kindDecision?.decision ?? null,
    kind_reference: kindDecision?.reference ?? null,
    kind_decided_at: kindDecision?.at ?? null,
  };
}

function placeOf(row: Tables["checkpoint"], sealer: Sealer): StoredCheckpoint {
  const sealed = contact.parse(JSON.parse(sealer.open(contactPlace(row.id), row.contact_sealed)));
  return {
    id: row.id,
    version: row.version,
    name: row.name,
    kind: checkpointKind.parse(row.kind),
    kindStatus: row.kind_status,
    kindDecision:
      row.kind_decided_at === null
        ? null
        : {
            decision: row.kind_decision === "approve" ? "approve" : "refuse",
            reference: row.kind_reference ?? "",
            at: row.kind_decided_at,
          },
    state: row.state,
    stateSince: row.state_since,
    stateReason: sealed.state_reason,
    successorId: row.successor_id,
    parentId: row.parent_id,
    part: row.part_type === null ? null : placePart.parse({ type: row.part_type, label: row.part_label }),
    phone: sealed.phone,
    address: {
      units_version: row.units_version,
      province_code: row.province_code,
      commune_code: row.commune_code,
      line: sealed.line,
      former: sealed.former,
    },
    inheritsAddress: row.inherits_address === 1,
    inheritsRetention: row.inherits_retention === 1,
    retentionDays: row.retention_days,
    policy: {
      record_when_expired: row.record_when_expired === 1,
      rescan_s: row.rescan_s,
      late_scans: lateScans.parse(row.late_scans),
    },
    legalBasis: legalBasis.parse(row.legal_basis),
    notice: {
      version: row.notice_version,
      vi: row.notice_vi ?? usualNotice.vi,
      en: row.notice_en ?? (row.notice_vi === null ? usualNotice.en : ""),
    },
    codeNumber: row.code_number,
    codeIssuedAt: row.code_issued_at ?? row.created_at,
    contentTag: row.content_tag,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}
