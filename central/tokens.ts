import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { FastifyBaseLogger } from "fastify";
import { accessTokenValidS, refreshGraceS } from "../contract/limits.ts";
import type { Clock } from "./clock.ts";
import type { CentralKeys } from "./keys.ts";
import type { OtpPurpose } from "./otp-senders.ts";
import type { Store } from "./store/store.ts";
import type { KeyAlarmKind, TokenFamily } from "./store/token-store.ts";

/** A refresh token ends when it was not used for this long: longer than any outage a gate is meant to outlive. */
export const refreshTokenValidMs = 180 * 24 * 3_600_000;

export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What a sign-in gives, and to whom for what. */
export interface SignedIn extends TokenPair {
  readonly personRef: string;
  readonly audience: OtpPurpose;
}

/** The person who makes a call. */
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

/** The machine that makes a call, with nobody signed in. */
export interface DeviceCaller {
  readonly audience: "device";
  readonly deviceId: string;
  /** It may upload what it scanned before, and nothing else. */
  readonly revoked: boolean;
  readonly expiresAt: number;
}

/**
 * Opaque tokens, kept as SHA-256 only, each bound to the key of its holder: `jkt` is always the RFC 7638 thumbprint of
 * the key that the call in hand has proved. A token shown under another key is refused and leaves an alarm; it ends
 * nothing, so that a thief cannot lock the honest holder out.
 */
export interface Tokens {
  /** A first pair for a person who proved a one-time code; `within` is the running transaction. */
  open(within: Store, personRef: string, audience: OtpPurpose, jkt: string): Promise<TokenPair>;
  /**
   * The next pair. The same pair again within the grace time, and for as long as its refresh token was never
   * shown: a reply lost at the start of a week's outage locks nobody out. Any other reuse under the right key ends the
   * whole sign-in: two hold the key. `ended`: only a new sign-in helps.
   */
  refresh(refreshToken: string, jkt: string): Promise<SignedIn | "ended" | "other-key">;
  /** Ends the sign-in this refresh token belongs to; an unknown one is already ended. False under another key. */
  revoke(refreshToken: string, jkt: string): Promise<boolean>;
  caller(accessToken: string, jkt: string): Promise<Caller | DeviceCaller | null>;
  /** An access token for an enrolled machine, or null when this is not its key. */
  openForDevice(deviceId: string, jkt: string): Promise<{ accessToken: string; revoked: boolean } | null>;
  /** Whether a sign-in has not been ended. */
  stillOpen(familyId: string): Promise<boolean>;
}

const hashOf = (token: string) => createHash("sha256").update(token, "utf8").digest("base64url");
const newToken = () => randomBytes(32).toString("base64url");

interface TokenParts {
  readonly store: Store;
  readonly keys: CentralKeys;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
}

export function tokensOver({ store, keys, clock, logger }: TokenParts): Tokens {
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

  const alarm = async (within: Store, kind: KeyAlarmKind, subject: string, jkt: string): Promise<void> => {
    await within.tokens.alarm({ kind, subject, jkt }, clock.now());
    logger.warn({ alarm: kind, subject }, "a credential was shown under another key than its own");
  };
  const isOther = async (within: Store, kind: KeyAlarmKind, family: TokenFamily, jkt: string): Promise<boolean> => {
    if (family.jkt === jkt) return false;
    // A sign-in of before there were keys just ends.
    if (family.jkt !== "") await alarm(within, kind, family.id, jkt);
    return true;
  };

  const deviceCaller = async (hash: string, jkt: string): Promise<DeviceCaller | null> => {
    const known = await store.tokens.deviceAccess(hash);
    if (!known || known.expiresAt <= clock.now()) return null;
    if (known.jkt !== jkt) {
      await alarm(store, "access-token", known.deviceId, jkt);
      return null;
    }
    const device = await store.tokens.enrolled(known.deviceId);
    // Enrolled anew with another key: the old one has ended.
    if (device?.jkt !== jkt) return null;
    return { audience: "device", deviceId: known.deviceId, revoked: device.revoked, expiresAt: known.expiresAt };
  };

  return {
    async open(within, personRef, audience, jkt) {
      const now = clock.now();
      const familyId = randomUUID();
      const pair = { accessToken: newToken(), refreshToken: newToken() };
      await within.tokens.addFamily({ id: familyId, personRef, audience, jkt }, now);
      await keep(within, familyId, pair, now);
      return pair;
    },
    refresh(refreshToken, jkt) {
      return store.transaction(async (within) => {
        const now = clock.now();
        const known = await within.tokens.refresh(hashOf(refreshToken));
        const family = known ? await within.tokens.family(known.familyId) : null;
        if (!known || !family) return "ended";
        if (await isOther(within, "refresh-token", family, jkt)) return "other-key";
        if (family.revokedAt !== null || known.expiresAt <= now) return "ended";
        const next = successorOf(refreshToken);
        if (known.usedAt === null) {
          await within.tokens.markRefreshUsed(known.hash, now);
          await keep(within, family.id, next, now);
        } else if (now - known.usedAt <= refreshGraceS * 1000 || (await isUnused(within, next.refreshToken))) {
          // The answer was lost, a minute ago or before a long outage: nobody has shown the successor yet.
          await within.tokens.putAccess(hashOf(next.accessToken), family.id, now + accessTokenValidS * 1000);
        } else {
          await within.tokens.revokeFamily(family.id, now);
          return "ended";
        }
        return { ...next, personRef: family.personRef, audience: family.audience };
      });
    },
    async revoke(refreshToken, jkt) {
      const known = await store.tokens.refresh(hashOf(refreshToken));
      const family = known ? await store.tokens.family(known.familyId) : null;
      if (!family) return true;
      if (await isOther(store, "refresh-token", family, jkt)) return false;
      await store.tokens.revokeFamily(family.id, clock.now());
      return true;
    },
    async caller(accessToken, jkt) {
      const hash = hashOf(accessToken);
      const known = await store.tokens.access(hash);
      if (!known) return deviceCaller(hash, jkt);
      if (known.expiresAt <= clock.now()) return null;
      const family = await store.tokens.family(known.familyId);
      if (!family || family.revokedAt !== null || (await isOther(store, "access-token", family, jkt))) return null;
      const { id: familyId, personRef, audience, createdAt: signedInAt } = family;
      return { personRef, audience, familyId, signedInAt, expiresAt: known.expiresAt };
    },
    async openForDevice(deviceId, jkt) {
      const device = await store.tokens.enrolled(deviceId);
      if (!device) return null;
      if (device.jkt !== jkt) {
        await alarm(store, "device-key", deviceId, jkt);
        return null;
      }
      const accessToken = newToken();
      const expiresAt = clock.now() + accessTokenValidS * 1000;
      await store.tokens.addDeviceAccess({ hash: hashOf(accessToken), deviceId, jkt, expiresAt });
      return { accessToken, revoked: device.revoked };
    },
    async stillOpen(familyId) {
      const family = await store.tokens.family(familyId);
      return family !== null && family.revokedAt === null;
    },
  };
}
