import { createHash, randomBytes, randomUUID } from "node:crypto";
import { accessTokenValidS, refreshGraceS } from "../contract/limits.ts";
import type { Clock } from "./clock.ts";
import type { CentralKeys } from "./keys.ts";
import type { OtpPurpose } from "./otp-senders.ts";
import type { Store } from "./store/store.ts";

/** A refresh token ends when it was not used for this long. */
export const refreshTokenValidMs = 180 * 24 * 3_600_000;

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** Who makes a call. */
export interface Caller {
  readonly personRef: string;
  readonly audience: OtpPurpose;
  /** The sign-in the token belongs to. */
  readonly familyId: string;
  /** When the person proved a one-time code, ms since the epoch. */
  readonly signedInAt: number;
  /** When the access token ends, ms since the epoch. */
  readonly expiresAt: number;
}

/** Opaque tokens, kept as SHA-256 only. */
export interface Tokens {
  /** A first pair for a person who proved a one-time code; `within` is the running transaction. */
  open(within: Store, personRef: string, audience: OtpPurpose): Promise<TokenPair>;
  /**
   * The next pair, or null. The same pair again within the grace time, and for as long as its refresh token was never
   * shown: a reply lost at the start of a week's outage locks nobody out. Any other reuse ends the whole sign-in.
   */
  refresh(refreshToken: string): Promise<(TokenPair & { personRef: string }) | null>;
  /** Ends the sign-in this refresh token belongs to; an unknown one is already ended. */
  revoke(refreshToken: string): Promise<void>;
  caller(accessToken: string): Promise<Caller | null>;
  /** Whether a sign-in has not been ended. */
  stillOpen(familyId: string): Promise<boolean>;
}

const hashOf = (token: string) => createHash("sha256").update(token, "utf8").digest("base64url");
const newToken = () => randomBytes(32).toString("base64url");

export function tokensOver(store: Store, keys: CentralKeys, clock: Clock): Tokens {
  const keep = async (within: Store, familyId: string, pair: TokenPair, now: number): Promise<void> => {
    await within.tokens.addRefresh({
      hash: hashOf(pair.refreshToken),
      familyId,
      expiresAt: now + refreshTokenValidMs,
      usedAt: null,
    });
    await within.tokens.putAccess(hashOf(pair.accessToken), familyId, now + accessTokenValidS * 1000);
  };
  /** Needs the old token and the key file together: neither the database nor the token alone gives the next. */
  const successorOf = (refreshToken: string): TokenPair => ({
    accessToken: keys.tag("next-token", `access:${refreshToken}`),
    refreshToken: keys.tag("next-token", `refresh:${refreshToken}`),
  });

  const isUnused = async (within: Store, refreshToken: string): Promise<boolean> =>
    (await within.tokens.refresh(hashOf(refreshToken)))?.usedAt === null;

  return {
    async open(within, personRef, audience) {
      const now = clock.now();
      const familyId = randomUUID();
      const pair = { accessToken: newToken(), refreshToken: newToken() };
      await within.tokens.addFamily(familyId, personRef, audience, now);
      await keep(within, familyId, pair, now);
      return pair;
    },
    refresh(refreshToken) {
      return store.transaction(async (within) => {
        const now = clock.now();
        const known = await within.tokens.refresh(hashOf(refreshToken));
        const family = known ? await within.tokens.family(known.familyId) : null;
        if (!known || !family || family.revokedAt !== null || known.expiresAt <= now) return null;
        const next = successorOf(refreshToken);
        if (known.usedAt === null) {
          await within.tokens.markRefreshUsed(known.hash, now);
          await keep(within, family.id, next, now);
        } else if (now - known.usedAt <= refreshGraceS * 1000 || (await isUnused(within, next.refreshToken))) {
          // The answer was lost, a minute ago or before a long outage: nobody has shown the successor yet.
          await within.tokens.putAccess(hashOf(next.accessToken), family.id, now + accessTokenValidS * 1000);
        } else {
          await within.tokens.revokeFamily(family.id, now);
          return null;
        }
        return { ...next, personRef: family.personRef };
      });
    },
    async revoke(refreshToken) {
      const known = await store.tokens.refresh(hashOf(refreshToken));
      if (known) await store.tokens.revokeFamily(known.familyId, clock.now());
    },
    async caller(accessToken) {
      const known = await store.tokens.access(hashOf(accessToken));
      if (!known || known.expiresAt <= clock.now()) return null;
      const family = await store.tokens.family(known.familyId);
      if (!family || family.revokedAt !== null) return null;
      const { id: familyId, personRef, audience, createdAt: signedInAt } = family;
      return { personRef, audience, familyId, signedInAt, expiresAt: known.expiresAt };
    },
    async stillOpen(familyId) {
      const family = await store.tokens.family(familyId);
      return family !== null && family.revokedAt === null;
    },
  };
}
