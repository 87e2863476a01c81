import { randomInt, randomUUID, timingSafeEqual } from "node:crypto";
import type { FastifyBaseLogger } from "fastify";
import { otpAttempts, otpResendAfterS, otpValidS } from "../contract/limits.ts";
import { addressGroup } from "./address-group.ts";
import type { Clock } from "./clock.ts";
import { HttpProblem } from "./http-problem.ts";
import { faultOf } from "./http-rules.ts";
import type { CentralKeys } from "./keys.ts";
import type { OtpPurpose, OtpSender } from "./otp-senders.ts";
import { rateLimit } from "./rate-limit.ts";
import type { Store } from "./store/store.ts";
import type { SignedIn, Tokens } from "./tokens.ts";

const sendsPerPhone = 3;
const sendWindowMs = 600_000;
const sendsPerAddress = 60;
const checksPerAddress = 300;
/** Against SMS pumping: codes to neighbouring numbers, by the first seven digits. */
const sendsPerPrefix = 60;
const prefixDigits = 7;

const freeFailures = 5;
const firstWaitMs = 30_000;
const longestWaitMs = 3_600_000;
/** After this many wrong codes in a row a phone has one try a day, until a right code (NIST SP 800-63B: at most 100). */
export const mostFailures = 100;
const restMs = 24 * 3_600_000;

/** The wait after the `failures`-th wrong code in a row, ms: none at first, then doubling up to an hour. */
export function waitAfter(failures: number): number {
  if (failures >= mostFailures) return restMs;
  if (failures < freeFailures) return 0;
  return Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - freeFailures));
}

export interface SignIn {
  /** Sends a code to a normalised phone. Known and unknown phones take the same way. */
  request(phone: string, audience: OtpPurpose, address: string): Promise<{ challengeId: string }>;
  /** @throws HttpProblem `wrong_code`, `challenge_expired`, `locked`, `phone_not_authorised`. */
  verify(proved: { challengeId: string; code: string; jkt: string }, address: string): Promise<SignedIn>;
}

interface SignInParts {
  readonly store: Store;
  readonly keys: CentralKeys;
  readonly clock: Clock;
  readonly tokens: Tokens;
  readonly otpSender: OtpSender;
  readonly logger: FastifyBaseLogger;
}

export function signInOver({ store, keys, clock, tokens, otpSender, logger }: SignInParts): SignIn {
  const checksByAddress = rateLimit(clock, checksPerAddress, sendWindowMs);
  const codeTag = (challengeId: string, code: string) => keys.tag("otp", `${challengeId}:${code}`);

  return {
    async request(phone, audience, address) {
      const phoneTag = keys.tag("phone", phone);
      const addressTag = keys.tag("otp", `address:${addressGroup(address)}`);
      const prefixTag = keys.tag("otp", `prefix:${phone.slice(0, prefixDigits)}`);
      const code = String(randomInt(1_000_000)).padStart(6, "0");
      const challengeId = randomUUID();
      const waitMs = await store.transaction(async (within) => {
        const now = clock.now();
        const { blockedUntil } = await within.otp.failures(phoneTag);
        const times = await within.otp.sendTimes(phoneTag, now - sendWindowMs);
        const since = now - sendWindowMs;
        const ofAddress = await within.otp.nthNewestSend({ addressTag }, sendsPerAddress, since);
        const ofPrefix = await within.otp.nthNewestSend({ prefixTag }, sendsPerPrefix, since);
        const limited = [ofAddress, ofPrefix].map((time) => (time === null ? 0 : time + sendWindowMs - now));
        const wait = Math.max(blockedUntil - now, waitBeforeSend(times, now), ...limited);
        if (wait > 0) return wait;
        await within.otp.add({
          id: challengeId,
          phone,
          phoneTag,
          addressTag,
          prefixTag,
          audience,
          codeTag: codeTag(challengeId, code),
          createdAt: now,
          expiresAt: now + otpValidS * 1000,
          attempts: 0,
          usedAt: null,
        });
        return 0;
      });
      if (waitMs > 0) throw waitFirst("rate_limited", "Too many codes were asked for", waitMs);
      // Not awaited: how long a text message takes must not show.
      otpSender.send(phone, code, audience).catch((error: unknown) => {
        logger.error({ fault: faultOf(error), challengeId }, "a one-time code could not be sent");
      });
      return { challengeId };
    },

    async verify({ challengeId, code, jkt }, address) {
      const limited = checksByAddress.take(addressGroup(address));
      if (limited > 0) throw waitFirst("rate_limited", "Too many tries", limited);
      // A thrown problem would roll the counted failure back, so that it is returned and thrown outside.
      const outcome = await store.transaction(async (within) => {
        const now = clock.now();
        const challenge = await within.otp.find(challengeId);
        if (
          !challenge ||
          challenge.usedAt !== null ||
          challenge.expiresAt <= now ||
          challenge.attempts >= otpAttempts
        ) {
          return new HttpProblem("challenge_expired", "This code cannot be used any more; ask for a new one.");
        }
        const { failures, blockedUntil } = await within.otp.failures(challenge.phoneTag);
        if (blockedUntil > now) return waitFirst("locked", "Too many wrong codes", blockedUntil - now);
        if (!sameText(challenge.codeTag, codeTag(challenge.id, code))) {
          const count = Math.min(mostFailures, failures + 1);
          await within.otp.countAttempt(challenge.id);
          await within.otp.setFailures(challenge.phoneTag, count, now + waitAfter(count));
          const left = otpAttempts - challenge.attempts - 1;
          return new HttpProblem("wrong_code", `The code is wrong; ${left} tries are left.`, { attempts_left: left });
        }
        await within.otp.markUsed(challenge.id, now);
        await within.otp.setFailures(challenge.phoneTag, 0, 0);
        const personRef = await personFor(within, challenge.audience, challenge.phone, now);
        if (personRef === null) {
          return new HttpProblem(
            "phone_not_authorised",
            "This phone may not scan anywhere; ask the owner of the place.",
          );
        }
        await within.staff.markSeen(personRef, now);
        const { audience } = challenge;
        return { ...(await tokens.open(within, personRef, audience, jkt)), personRef, audience };
      });
      if (outcome instanceof HttpProblem) throw outcome;
      return outcome;
    },
  };
}

/** Who a proved phone is for this audience, or null where it has no right: anybody may become an owner. */
async function personFor(store: Store, audience: OtpPurpose, phone: string, now: number): Promise<string | null> {
  switch (audience) {
    case "owner":
      return store.staff.personOf(phone, now);
    case "staff":
      return personWithGrant(store, phone);
    case "official":
      return personWithOffice(store, phone);
  }
}

async function personWithOffice(store: Store, phone: string): Promise<string | null> {
  const personRef = await store.staff.knownPerson(phone);
  return personRef !== null && (await store.officials.current(personRef)).length > 0 ? personRef : null;
}

async function personWithGrant(store: Store, phone: string): Promise<string | null> {
  const personRef = await store.staff.knownPerson(phone);
  if (personRef === null) return null;
  const grants = await store.staff.grantsOf(personRef);
  return grants.some((grant) => grant.validTo === null) ? personRef : null;
}

/** `times` are the sends of the last window, newest first. */
function waitBeforeSend(times: readonly number[], now: number): number {
  const newest = times[0];
  const oldestThatCounts = times[sendsPerPhone - 1];
  const resend = newest === undefined ? 0 : newest + otpResendAfterS * 1000 - now;
  const window = oldestThatCounts === undefined ? 0 : oldestThatCounts + sendWindowMs - now;
  return Math.max(0, resend, window);
}

function waitFirst(type: "rate_limited" | "locked", why: string, waitMs: number): HttpProblem {
  const retryAfterS = Math.ceil(waitMs / 1000);
  return new HttpProblem(type, `${why}; try again in ${retryAfterS} s.`, { retryAfterS });
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
