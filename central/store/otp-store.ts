import type { Kysely } from "kysely";
import { audience } from "../../contract/people.ts";
import type { OtpPurpose } from "../otp-senders.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** One sent code. The code itself is kept as a keyed hash only. */
export interface Challenge {
  readonly id: string;
  readonly phone: string;
  readonly phoneTag: string;
  readonly audience: OtpPurpose;
  readonly codeTag: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly attempts: number;
  readonly usedAt: number | null;
}

/** Keyed hashes of where a code was asked for and of the numbers around its phone: what sends are bounded by. */
export interface SendOrigin {
  readonly addressTag: string;
  readonly prefixTag: string;
}

export interface OtpStore {
  add(challenge: Challenge & SendOrigin): Promise<void>;
  find(id: string): Promise<Challenge | null>;
  countAttempt(id: string): Promise<void>;
  markUsed(id: string, now: number): Promise<void>;
  /**
   * Times of the codes sent to this phone since `since` and not used, newest first. A code that was used proves that
   * the phone's holder asked for it, so it counts towards no limit of this phone.
   */
  sendTimes(phoneTag: string, since: number): Promise<number[]>;
  /** When the `nth` newest code since `since` was sent for this origin, or null when there were fewer. */
  nthNewestSend(
    origin: Pick<SendOrigin, "addressTag"> | Pick<SendOrigin, "prefixTag">,
    nth: number,
    since: number,
  ): Promise<number | null>;
  /** Wrong codes in a row for this phone, over all challenges. */
  failures(phoneTag: string): Promise<{ failures: number; blockedUntil: number }>;
  setFailures(phoneTag: string, failures: number, blockedUntil: number): Promise<void>;
  forgetBefore(time: number): Promise<void>;
}

export function otpStore(db: Kysely<Tables>, sealer: Sealer): OtpStore {
  const phonePlace = (id: string) => ["otp_challenge.phone", id];
  return {
    async add(challenge) {
      await db
        .insertInto("otp_challenge")
        .values({
          id: challenge.id,
          phone_tag: challenge.phoneTag,
          address_tag: challenge.addressTag,
          prefix_tag: challenge.prefixTag,
          phone_sealed: sealer.seal(phonePlace(challenge.id), challenge.phone),
          audience: challenge.audience,
          code_tag: challenge.codeTag,
          created_at: challenge.createdAt,
          expires_at: challenge.expiresAt,
          attempts: challenge.attempts,
          used_at: challenge.usedAt,
        })
        .execute();
    },
    async find(id) {
      const row = await db.selectFrom("otp_challenge").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) return null;
      return {
        id: row.id,
        phone: sealer.open(phonePlace(row.id), row.phone_sealed),
        phoneTag: row.phone_tag,
        audience: audience.parse(row.audience),
        codeTag: row.code_tag,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
        attempts: row.attempts,
        usedAt: row.used_at,
      };
    },
    async countAttempt(id) {
      await db
        .updateTable("otp_challenge")
        .set((is) => ({ attempts: is("attempts", "+", 1) }))
        .where("id", "=", id)
        .execute();
    },
    async markUsed(id, now) {
      await db.updateTable("otp_challenge").set({ used_at: now }).where("id", "=", id).execute();
    },
    async sendTimes(phoneTag, since) {
      const rows = await db
        .selectFrom("otp_challenge")
        .select("created_at")
        .where("phone_tag", "=", phoneTag)
        .where("created_at", ">", since)
        .where("used_at", "is", null)
        .orderBy("created_at", "desc")
        .execute();
      return rows.map((row) => row.created_at);
    },
    async nthNewestSend(origin, nth, since) {
      const sends = db.selectFrom("otp_challenge").select("created_at").where("created_at", ">", since);
      const row = await ("addressTag" in origin
        ? sends.where("address_tag", "=", origin.addressTag)
        : sends.where("prefix_tag", "=", origin.prefixTag)
      )
        .orderBy("created_at", "desc")
        .offset(nth - 1)
        .limit(1)
        .executeTakeFirst();
      return row?.created_at ?? null;
    },
    async failures(phoneTag) {
      const row = await db.selectFrom("otp_guard").selectAll().where("phone_tag", "=", phoneTag).executeTakeFirst();
      return { failures: row?.failures ?? 0, blockedUntil: row?.blocked_until ?? 0 };
    },
    async setFailures(phoneTag, failures, blockedUntil) {
      const values = { failures, blocked_until: blockedUntil };
      await db
        .insertInto("otp_guard")
        .values({ phone_tag: phoneTag, ...values })
        .onConflict((conflict) => conflict.column("phone_tag").doUpdateSet(values))
        .execute();
    },
    async forgetBefore(time) {
      await db.deleteFrom("otp_challenge").where("created_at", "<", time).execute();
    },
  };
}
