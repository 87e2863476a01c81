import type { Kysely } from "kysely";
import { audience } from "../../contract/people.ts";
import type { OtpPurpose } from "../otp-senders.ts";
import type { Tables } from "./tables.ts";

/** One sign-in: all tokens that come from the same one-time code. */
export interface TokenFamily {
  readonly id: string;
  readonly personRef: string;
  readonly audience: OtpPurpose;
  /** RFC 7638 thumbprint of the key that its tokens are bound to. */
  readonly jkt: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

export interface RefreshToken {
  readonly hash: string;
  readonly familyId: string;
  readonly expiresAt: number;
  readonly usedAt: number | null;
}

export interface DeviceAccess {
  readonly hash: string;
  readonly deviceId: string;
  readonly jkt: string;
  readonly expiresAt: number;
}

/** Which credential was shown under another key than its own. */
export type KeyAlarmKind = "refresh-token" | "access-token" | "device-key";

/** Tokens are kept as hashes only: who reads the database cannot sign in with it. */
export interface TokenStore {
  addFamily(family: Pick<TokenFamily, "id" | "personRef" | "audience" | "jkt">, now: number): Promise<void>;
  family(id: string): Promise<TokenFamily | null>;
  revokeFamily(id: string, now: number): Promise<void>;
  addRefresh(token: RefreshToken): Promise<void>;
  refresh(hash: string): Promise<RefreshToken | null>;
  markRefreshUsed(hash: string, now: number): Promise<void>;
  /** Keeps an access token until `expiresAt`; one already kept gets the new end. */
  putAccess(hash: string, familyId: string, expiresAt: number): Promise<void>;
  access(hash: string): Promise<{ familyId: string; expiresAt: number } | null>;
  addDeviceAccess(access: DeviceAccess): Promise<void>;
  deviceAccess(hash: string): Promise<Omit<DeviceAccess, "hash"> | null>;
  /** The key a machine is enrolled with, and whether its owner has revoked it since; null before it is enrolled. */
  enrolled(deviceId: string): Promise<{ jkt: string; revoked: boolean } | null>;
  /** Counts it: `subject` is the sign-in or the device, `jkt` the key that came instead. */
  alarm(seen: { kind: KeyAlarmKind; subject: string; jkt: string }, now: number): Promise<void>;
  forgetBefore(time: number): Promise<void>;
}

export function tokenStore(db: Kysely<Tables>): TokenStore {
  return {
    async addFamily({ id, personRef, audience, jkt }, now) {
      await db
        .insertInto("token_family")
        .values({ id, person_ref: personRef, audience, jkt, created_at: now, revoked_at: null })
        .execute();
    },
    async family(id) {
      const row = await db.selectFrom("token_family").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) return null;
      return {
        id: row.id,
        personRef: row.person_ref,
        audience: audience.parse(row.audience),
        jkt: row.jkt,
        createdAt: row.created_at,
        revokedAt: row.revoked_at,
      };
    },
    async revokeFamily(id, now) {
      await db
        .updateTable("token_family")
        .set({ revoked_at: now })
        .where("id", "=", id)
        .where("revoked_at", "is", null)
        .execute();
    },
    async addRefresh(token) {
      await db
        .insertInto("refresh_token")
        .values({
          hash: token.hash,
          family_id: token.familyId,
          expires_at: token.expiresAt,
          used_at: token.usedAt,
        })
        .execute();
    },
    async refresh(hash) {
      const row = await db.selectFrom("refresh_token").selectAll().where("hash", "=", hash).executeTakeFirst();
      if (!row) return null;
      return {
        hash: row.hash,
        familyId: row.family_id,
        expiresAt: row.expires_at,
        usedAt: row.used_at,
      };
    },
    async markRefreshUsed(hash, now) {
      await db.updateTable("refresh_token").set({ used_at: now }).where("hash", "=", hash).execute();
    },
    async putAccess(hash, familyId, expiresAt) {
      await db
        .insertInto("access_token")
        .values({ hash, family_id: familyId, expires_at: expiresAt })
        .onConflict((conflict) => conflict.column("hash").doUpdateSet({ expires_at: expiresAt }))
        .execute();
    },
    async access(hash) {
      const row = await db.selectFrom("access_token").selectAll().where("hash", "=", hash).executeTakeFirst();
      return row ? { familyId: row.family_id, expiresAt: row.expires_at } : null;
    },
    async addDeviceAccess({ hash, deviceId, jkt, expiresAt }) {
      await db.insertInto("device_token").values({ hash, device_id: deviceId, jkt, expires_at: expiresAt }).execute();
    },
    async deviceAccess(hash) {
      const row = await db.selectFrom("device_token").selectAll().where("hash", "=", hash).executeTakeFirst();
      return row ? { deviceId: row.device_id, jkt: row.jkt, expiresAt: row.expires_at } : null;
    },
    async enrolled(deviceId) {
      const row = await db
        .selectFrom("device")
        .select(["jkt", "revoked_at"])
        .where("id", "=", deviceId)
        .executeTakeFirst();
      return row?.jkt ? { jkt: row.jkt, revoked: row.revoked_at !== null } : null;
    },
    async alarm({ kind, subject, jkt }, now) {
      await db
        .insertInto("key_alarm")
        .values({ subject, kind, first_at: now, last_at: now, count: 1, jkt })
        .onConflict((conflict) =>
          conflict
            .columns(["subject", "kind"])
            .doUpdateSet((is) => ({ last_at: now, count: is("key_alarm.count", "+", 1), jkt })),
        )
        .execute();
    },
    async forgetBefore(time) {
      await db.deleteFrom("device_token").where("expires_at", "<", time).execute();
      await db.deleteFrom("access_token").where("expires_at", "<", time).execute();
      await db.deleteFrom("refresh_token").where("expires_at", "<", time).execute();
    },
  };
}
