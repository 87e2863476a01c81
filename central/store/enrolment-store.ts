import type { Kysely, Selectable } from "kysely";
import { type PublicJwk, publicJwk } from "../../contract/public-key.ts";
import type { Tables } from "./tables.ts";

/** A machine that asks to be enrolled. Codes and secrets are kept as keyed hashes only. Times are ms since the epoch. */
export interface EnrolmentRequest {
  readonly deviceCodeTag: string;
  readonly userCodeTag: string;
  readonly deviceId: string;
  readonly publicKey: PublicJwk;
  readonly jkt: string;
  readonly model: string;
  readonly os: string;
  readonly appVersion: string;
  /** The place of the invitation it showed. */
  readonly invitedTo: string | null;
  readonly requestedAt: number;
  readonly expiresAt: number;
  /** The machine may ask again after so many ms. */
  readonly intervalMs: number;
  readonly polledAt: number | null;
  readonly decision: "approved" | "denied" | null;
}

export interface Invitation {
  readonly checkpointId: string;
  readonly expiresAt: number;
  readonly usedAt: number | null;
  /** The machine and key that used it. */
  readonly usedBy: string | null;
}

export interface EnrolmentStore {
  /** Takes the place of what the same machine asked before and nobody has decided. */
  addRequest(request: EnrolmentRequest): Promise<void>;
  byDeviceCode(tag: string): Promise<EnrolmentRequest | null>;
  byUserCode(tag: string): Promise<EnrolmentRequest | null>;
  countOpen(now: number): Promise<number>;
  notePoll(deviceCodeTag: string, now: number, intervalMs: number): Promise<void>;
  decide(deviceCodeTag: string, decision: "approved" | "denied"): Promise<void>;
  addInvitation(tag: string, checkpointId: string, createdBy: string, now: number, expiresAt: number): Promise<void>;
  invitation(tag: string): Promise<Invitation | null>;
  useInvitation(tag: string, usedBy: string, now: number): Promise<void>;
  /** Invitations of a place that may still be used. */
  countInvitations(checkpointId: string, now: number): Promise<number>;
  forgetBefore(time: number): Promise<void>;
}

export function enrolmentStore(db: Kysely<Tables>): EnrolmentStore {
  const requests = () => db.selectFrom("device_request").selectAll();
  const read = (row: Selectable<Tables["device_request"]> | undefined): EnrolmentRequest | null =>
    row === undefined
      ? null
      : {
          deviceCodeTag: row.device_code_tag,
          userCodeTag: row.user_code_tag,
          deviceId: row.device_id,
          publicKey: publicJwk.parse(JSON.parse(row.public_key)),
          jkt: row.jkt,
          model: row.model,
          os: row.os,
          appVersion: row.app_version,
          invitedTo: row.invited_to,
          requestedAt: row.requested_at,
          expiresAt: row.expires_at,
          intervalMs: row.interval_ms,
          polledAt: row.polled_at,
          decision: row.decision,
        };
  const countOf = (row: { count: unknown } | undefined) => Number(row?.count ?? 0);
  return {
    async addRequest(request) {
      await db
        .deleteFrom("device_request")
        .where("device_id", "=", request.deviceId)
        .where("jkt", "=", request.jkt)
        .where("decision", "is", null)
        .execute();
      await db
        .insertInto("device_request")
        .values({
          device_code_tag: request.deviceCodeTag,
          user_code_tag: request.userCodeTag,
          device_id: request.deviceId,
          public_key: JSON.stringify(request.publicKey),
          jkt: request.jkt,
          model: request.model,
          os: request.os,
          app_version: request.appVersion,
          invited_to: request.invitedTo,
          requested_at: request.requestedAt,
          expires_at: request.expiresAt,
          interval_ms: request.intervalMs,
          polled_at: request.polledAt,
          decision: request.decision,
        })
        .execute();
    },
    async byDeviceCode(tag) {
      return read(await requests().where("device_code_tag", "=", tag).executeTakeFirst());
    },
    async byUserCode(tag) {
      return read(await requests().where("user_code_tag", "=", tag).executeTakeFirst());
    },
    async countOpen(now) {
      return countOf(
        await db
          .selectFrom("device_request")
          .select((is) => is.fn.countAll().as("count"))
          .where("expires_at", ">", now)
          .where("decision", "is", null)
          .executeTakeFirst(),
      );
    },
    async notePoll(tag, now, intervalMs) {
      await db
        .updateTable("device_request")
        .set({ polled_at: now, interval_ms: intervalMs })
        .where("device_code_tag", "=", tag)
        .execute();
    },
    async decide(tag, decision) {
      await db.updateTable("device_request").set({ decision }).where("device_code_tag", "=", tag).execute();
    },
    async addInvitation(tag, checkpointId, createdBy, now, expiresAt) {
      await db
        .insertInto("device_invitation")
        .values({
          secret_tag: tag,
          checkpoint_id: checkpointId,
          created_by: createdBy,
          created_at: now,
          expires_at: expiresAt,
          used_at: null,
          used_by: null,
        })
        .execute();
    },
    async invitation(tag) {
      const row = await db.selectFrom("device_invitation").selectAll().where("secret_tag", "=", tag).executeTakeFirst();
      if (!row) return null;
      return {
        checkpointId: row.checkpoint_id,
        expiresAt: row.expires_at,
        usedAt: row.used_at,
        usedBy: row.used_by,
      };
    },
    async useInvitation(tag, usedBy, now) {
      await db
        .updateTable("device_invitation")
        .set({ used_at: now, used_by: usedBy })
        .where("secret_tag", "=", tag)
        .execute();
    },
    async countInvitations(checkpointId, now) {
      return countOf(
        await db
          .selectFrom("device_invitation")
          .select((is) => is.fn.countAll().as("count"))
          .where("checkpoint_id", "=", checkpointId)
          .where("expires_at", ">", now)
          .where("used_at", "is", null)
          .executeTakeFirst(),
      );
    },
    async forgetBefore(time) {
      await db.deleteFrom("device_request").where("expires_at", "<", time).execute();
      await db.deleteFrom("device_invitation").where("expires_at", "<", time).execute();
    },
  };
}
