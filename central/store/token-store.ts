import type { Kysely } from "kysely";
import { audience } from "../../contract/people.ts";
import type { OtpPurpose } from "../otp-senders.ts";
import type { Tables } from "./tables.ts";

/** One sign-in: all tokens that come from the same one-time code. */
export interface TokenFamily {
  readonly id: string;
  readonly personRef: string;
  readonly audience: OtpPurpose;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

export interface RefreshToken {
  readonly hash: string;
  readonly familyId: string;
  readonly expiresAt: number;
  readonly usedAt: number | null;
}

/** Tokens are kept as hashes only: who reads the database cannot sign in with it. */
export interface TokenStore {
  addFamily(id: string, personRef: string, audience: OtpPurpose, now: number): Promise<void>;
  family(id: string): Promise<TokenFamily | null>;
  revokeFamily(id: string, now: number): Promise<void>;
  addRefresh(token: RefreshToken): Promise<void>;
  refresh(hash: string): Promise<RefreshToken | null>;
  markRefreshUsed(hash: string, now: number): Promise<void>;
  /** Keeps an access token until `expiresAt`; one already kept gets the new end. */
  putAccess(hash: string, familyId: string, expiresAt: number): Promise<void>;
  access(hash: string): Promise<{ familyId: string; expiresAt: number } | null>;
  forgetBefore(time: number): Promise<void>;
}

export function tokenStore(db: Kysely<Tables>): TokenStore {
  return {
    async addFamily(id, personRef, audience, now) {
      await db
        .insertInto("token_family")
        .values({ id, person_ref: personRef, audience, created_at: now, revoked_at: null })
        .execute();
    },
    async family(id) {
      const row = await db.selectFrom("token_family").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) return null;
      return {
        id: row.id,
        personRef: row.person_ref,
        audience: audience.parse(row.audience),
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
    async forgetBefore(time) {
      await db.deleteFrom("access_token").where("expires_at", "<", time).execute();
      await db.deleteFrom("refresh_token").where("expires_at", "<", time).execute();
    },
  };
}
