import type { Kysely } from "kysely";
import { z } from "zod";
import {
  type SubjectIdentity,
  type SubjectRequestKind,
  subjectIdentity,
  subjectRequestKind,
} from "../../contract/privacy.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** Somebody who was erased: entries made until then are erased when they come. */
export interface ErasedIdentity {
  readonly tag: string;
  /** Null: at every place. */
  readonly checkpointId: string | null;
  readonly erasedAt: number;
}

/** What a person asked about its own data. Times are ms since the epoch. */
export interface StoredSubjectRequest {
  readonly id: string;
  readonly kind: SubjectRequestKind;
  readonly state: "received" | "acknowledged" | "done" | "refused";
  /** `ref` of the owner who took it down, or `operator`. */
  readonly madeBy: string;
  /** Places it reaches; null: all. */
  readonly places: readonly string[] | null;
  /** Null once the person was erased. */
  readonly subject: SubjectIdentity | null;
  readonly reason: string;
  readonly contentTag: string;
  readonly found: number;
  readonly receivedAt: number;
  readonly acknowledgeBy: number;
  readonly dueBy: number;
  readonly acknowledgedAt: number | null;
  readonly doneAt: number | null;
}

export type SubjectProgress = Partial<
  Pick<StoredSubjectRequest, "state" | "acknowledgedAt" | "doneAt"> & { readonly forgetSubject: true }
>;

export interface SubjectStore {
  add(request: StoredSubjectRequest): Promise<void>;
  find(id: string): Promise<StoredSubjectRequest | null>;
  /** Newest first. */
  madeBy(madeBy: string, limit: number): Promise<StoredSubjectRequest[]>;
  countSince(madeBy: string, since: number): Promise<number>;
  progress(id: string, change: SubjectProgress): Promise<void>;
  /** From now until `endsAt` entries made before `erasedAt` under one of these tags are erased on arrival. */
  rememberErased(
    tags: readonly string[],
    places: readonly string[] | null,
    erasedAt: number,
    endsAt: number,
  ): Promise<void>;
  erasedAmong(tags: readonly string[], now: number): Promise<ErasedIdentity[]>;
  forgetBefore(now: number): Promise<void>;
}

const everywhere = "*";
const state = z.enum(["received", "acknowledged", "done", "refused"]);
const places = z.array(z.string());
/** SQLite takes 32,766 parameters; a batch has a few hundred tags. */
const tagsAtOnce = 1000;

export function subjectStore(db: Kysely<Tables>, sealer: Sealer): SubjectStore {
  const subjectPlace = (id: string) => ["subject_request.subject", id];
  const reasonPlace = (id: string) => ["subject_request.reason", id];
  const read = (row: Tables["subject_request"]): StoredSubjectRequest => ({
    id: row.id,
    kind: subjectRequestKind.parse(row.kind),
    state: state.parse(row.state),
    madeBy: row.made_by,
    places: row.places === null ? null : places.parse(JSON.parse(row.places)),
    subject:
      row.subject_sealed === null
        ? null
        : subjectIdentity.parse(JSON.parse(sealer.open(subjectPlace(row.id), row.subject_sealed))),
    reason: sealer.open(reasonPlace(row.id), row.reason_sealed),
    contentTag: row.content_tag,
    found: row.found,
    receivedAt: row.received_at,
    acknowledgeBy: row.acknowledge_by,
    dueBy: row.due_by,
    acknowledgedAt: row.acknowledged_at,
    doneAt: row.done_at,
  });
  return {
    async add(request) {
      const { id, subject } = request;
      await db
        .insertInto("subject_request")
        .values({
          id,
          kind: request.kind,
          state: request.state,
          made_by: request.madeBy,
          places: request.places === null ? null : JSON.stringify(request.places),
          subject_sealed: subject === null ? null : sealer.seal(subjectPlace(id), JSON.stringify(subject)),
          reason_sealed: sealer.seal(reasonPlace(id), request.reason),
          content_tag: request.contentTag,
          found: request.found,
          received_at: request.receivedAt,
          acknowledge_by: request.acknowledgeBy,
          due_by: request.dueBy,
          acknowledged_at: request.acknowledgedAt,
          done_at: request.doneAt,
        })
        .execute();
    },
    async find(id) {
      const row = await db.selectFrom("subject_request").selectAll().where("id", "=", id).executeTakeFirst();
      return row ? read(row) : null;
    },
    async madeBy(madeBy, limit) {
      const rows = await db
        .selectFrom("subject_request")
        .selectAll()
        .where("made_by", "=", madeBy)
        .orderBy("received_at", "desc")
        .orderBy("id")
        .limit(limit)
        .execute();
      return rows.map(read);
    },
    async countSince(madeBy, since) {
      const row = await db
        .selectFrom("subject_request")
        .select((is) => is.fn.countAll().as("count"))
        .where("made_by", "=", madeBy)
        .where("received_at", ">", since)
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    },
    async progress(id, { state, acknowledgedAt, doneAt, forgetSubject }) {
      await db
        .updateTable("subject_request")
        .set({
          id,
          ...(state === undefined ? {} : { state }),
          ...(acknowledgedAt === undefined ? {} : { acknowledged_at: acknowledgedAt }),
          ...(doneAt === undefined ? {} : { done_at: doneAt }),
          ...(forgetSubject === undefined ? {} : { subject_sealed: null }),
        })
        .where("id", "=", id)
        .execute();
    },
    async rememberErased(tags, places, erasedAt, endsAt) {
      for (const tag of tags) {
        for (const checkpointId of places ?? [everywhere]) {
          await db
            .insertInto("erased_identity")
            .values({ tag, checkpoint_id: checkpointId, erased_at: erasedAt, ends_at: endsAt })
            .onConflict((conflict) =>
              conflict.columns(["tag", "checkpoint_id"]).doUpdateSet({ erased_at: erasedAt, ends_at: endsAt }),
            )
            .execute();
        }
      }
    },
    async erasedAmong(tags, now) {
      const found: ErasedIdentity[] = [];
      const all = [...new Set(tags)];
      for (let from = 0; from < all.length; from += tagsAtOnce) {
        const rows = await db
          .selectFrom("erased_identity")
          .selectAll()
          .where("tag", "in", all.slice(from, from + tagsAtOnce))
          .where("ends_at", ">", now)
          .execute();
        for (const row of rows) {
          const checkpointId = row.checkpoint_id === everywhere ? null : row.checkpoint_id;
          found.push({ tag: row.tag, checkpointId, erasedAt: row.erased_at });
        }
      }
      return found;
    },
    async forgetBefore(now) {
      await db.deleteFrom("erased_identity").where("ends_at", "<=", now).execute();
    },
  };
}
