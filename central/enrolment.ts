import { randomBytes, randomInt } from "node:crypto";
import type { FastifyBaseLogger } from "fastify";
import {
  type DeviceRegistration,
  type EnrolReply,
  type EnrolRequest,
  fingerprintOf,
  normaliseUserCode,
  userCodeLength,
  userCodeLetters,
  type WaitingDevice,
} from "../contract/devices.ts";
import { thumbprintOf } from "../contract/dpop.ts";
import { invitationText } from "../contract/invitation-code.ts";
import { enrolIntervalS, enrolmentValidS } from "../contract/limits.ts";
import type { AccessLog } from "./access-log.ts";
import { addressGroup } from "./address-group.ts";
import type { Clock } from "./clock.ts";
import { wrongValue } from "./http-body.ts";
import { HttpProblem } from "./http-problem.ts";
import type { CentralKeys } from "./keys.ts";
import { rateLimit } from "./rate-limit.ts";
import type { EnrolledDevice } from "./store/device-store.ts";
import type { EnrolmentRequest } from "./store/enrolment-store.ts";
import type { Store } from "./store/store.ts";

const windowMs = 600_000;
const requestsPerAddress = 60;
const requestsPerDevice = 10;
/**
 * Wrong user codes, by person and by address. With at most {@link mostOpen} codes waiting among 20^8, ten guesses hit one
 * with a chance of one in 256,000 (RFC 8628, section 5.1).
 */
const guessesPerPerson = 10;
const guessesPerAddress = 60;
const mostOpen = 10_000;
const invitationsOpenPerPlace = 20;
/** `slow_down` adds this (RFC 8628, section 3.5). */
const slowDownMs = 5_000;
/** A machine that keeps its interval may be this early by the way of the network. */
const earlyMs = 1_000;

/** Machines that ask to be enrolled, and the owners who decide (RFC 8628). */
export interface Enrolment {
  /** `jkt` is the key that the call has proved. @throws HttpProblem `validation`, `invitation_ended`, `rate_limited` */
  ask(request: EnrolRequest, jkt: string, address: string): Promise<EnrolReply>;
  /** @throws HttpProblem `authorization_pending`, `slow_down`, `access_denied`, `expired_token` */
  poll(deviceCode: string, jkt: string): Promise<DeviceRegistration>;
  /** @throws HttpProblem `not_found`, `rate_limited`, `forbidden` */
  lookUp(userCode: string, owner: Owner): Promise<WaitingDevice>;
  /** @throws HttpProblem as {@link lookUp}, and `already_decided`, `closed`, `validation` */
  approve(approval: Approval, owner: Owner): Promise<EnrolledDevice>;
  /** @throws HttpProblem as {@link lookUp} */
  deny(userCode: string, owner: Owner): Promise<void>;
  /** @throws HttpProblem `forbidden`, `closed`, `rate_limited` */
  invite(checkpointId: string, owner: Owner): Promise<{ text: string; expiresAt: number }>;
}

/** Who is signed in as an owner, and from where. */
export interface Owner {
  readonly personRef: string;
  readonly address: string;
}

export interface Approval {
  readonly userCode: string;
  readonly checkpointId: string;
  readonly name: string;
  readonly keyFingerprint: string;
  readonly replaceKey: boolean;
}

interface EnrolmentParts {
  readonly store: Store;
  readonly keys: CentralKeys;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  readonly accessLog: AccessLog;
  readonly publicUrl: () => string;
}

export function enrolmentOver({ store, keys, clock, logger, accessLog, publicUrl }: EnrolmentParts): Enrolment {
  const byAddress = rateLimit(clock, requestsPerAddress, windowMs);
  const byDevice = rateLimit(clock, requestsPerDevice, windowMs);
  const guessesBy = rateLimit(clock, guessesPerPerson, windowMs);
  const guessesFrom = rateLimit(clock, guessesPerAddress, windowMs);
  const userCodeTag = (code: string) => keys.tag("user-code", code);
  const deviceCodeTag = (code: string) => keys.tag("device-code", code);
  const invitationTag = (secret: string) => keys.tag("invitation", secret);

  const ownsPlace = async (within: Store, checkpointId: string, personRef: string): Promise<boolean> =>
    (await within.staff.currentGrant(checkpointId, personRef))?.role === "owner";
  const mustOwn = async (within: Store, checkpointId: string, personRef: string): Promise<void> => {
    if (await ownsPlace(within, checkpointId, personRef)) return;
    throw new HttpProblem("forbidden", "Only an owner of this place may do this.");
  };
  const mustOwnSome = async (within: Store, personRef: string): Promise<void> => {
    const grants = await within.staff.grantsOf(personRef);
    if (grants.some(({ role, validTo }) => role === "owner" && validTo === null)) return;
    throw new HttpProblem("forbidden", "Register a place first: machines are enrolled for a place.");
  };
  const mustBeOpen = async (within: Store, checkpointId: string): Promise<string> => {
    const place = await within.checkpoints.find(checkpointId);
    if (place && (place.state === "active" || place.state === "suspended")) return place.name;
    throw new HttpProblem("closed", "This place is closed; choose another place for the machine.");
  };

  /** The request behind a code somebody typed. Wrong ones are counted. */
  const waiting = async (within: Store, text: string, owner: Owner): Promise<EnrolmentRequest> => {
    const waitMs = Math.max(guessesBy.wait(owner.personRef), guessesFrom.wait(addressGroup(owner.address)));
    if (waitMs > 0) throw waitFirst("Too many wrong codes", waitMs);
    await mustOwnSome(within, owner.personRef);
    const code = normaliseUserCode(text);
    const found = code === null ? null : await within.enrolments.byUserCode(userCodeTag(code));
    if (found && found.expiresAt > clock.now()) return found;
    guessesBy.take(owner.personRef);
    guessesFrom.take(addressGroup(owner.address));
    throw new HttpProblem("not_found", "No machine waits under this code; read it again from its screen.");
  };

  /**
   * What is known of the machine's id. Its key can be replaced by its own owner only; a revoked machine that proves its
   * key may go to another owner, whoever sold it.
   */
  const knownAs = async (
    within: Store,
    asked: EnrolmentRequest,
    personRef: string,
  ): Promise<{ known: WaitingDevice["known"]; device: EnrolledDevice | null }> => {
    const device = await within.devices.find(asked.deviceId);
    if (!device) return { known: "new", device: null };
    const isMine = await ownsPlace(within, device.checkpointId, personRef);
    if (device.jkt === asked.jkt) {
      if (isMine) return { known: "same-key", device };
      return { known: device.revokedAt === null ? "elsewhere" : "new", device: null };
    }
    return isMine ? { known: "other-key", device } : { known: "elsewhere", device: null };
  };

  const freshUserCode = async (within: Store): Promise<string> => {
    for (;;) {
      const letters = Array.from({ length: userCodeLength }, () => userCodeLetters[randomInt(userCodeLetters.length)]);
      const code = normaliseUserCode(letters.join("")) ?? "";
      if (!(await within.enrolments.byUserCode(userCodeTag(code)))) return code;
    }
  };

  return {
    async ask(request, jkt, address) {
      if ((await thumbprintOf(request.public_key)) !== jkt) {
        throw wrongValue("/public_key", "other_key", "The proof of this call is made with another key.");
      }
      const limited = byAddress.take(addressGroup(address)) || byDevice.take(request.device_id);
      if (limited > 0) throw waitFirst("Too many machines ask", limited);
      return store.transaction(async (within) => {
        const now = clock.now();
        if ((await within.enrolments.countOpen(now)) >= mostOpen) throw waitFirst("Too many machines ask", windowMs);
        const tag = request.invitation === undefined ? null : invitationTag(request.invitation);
        const invitation = tag === null ? null : await within.enrolments.invitation(tag);
        const askedBy = `${request.device_id} ${jkt}`;
        if (tag !== null) {
          // The same machine may show it again: its answer may have been lost.
          const isUsed = invitation !== null && invitation.usedAt !== null && invitation.usedBy !== askedBy;
          if (!invitation || invitation.expiresAt <= now || isUsed) {
            throw new HttpProblem(
              "invitation_ended",
              "This invitation has ended or was used; show a new one on the owner's page.",
            );
          }
          await mustBeOpen(within, invitation.checkpointId);
          await within.enrolments.useInvitation(tag, askedBy, now);
        }
        const place = invitation ? await within.checkpoints.find(invitation.checkpointId) : null;
        const deviceCode = randomBytes(32).toString("base64url");
        const userCode = await freshUserCode(within);
        await within.enrolments.addRequest({
          deviceCodeTag: deviceCodeTag(deviceCode),
          userCodeTag: userCodeTag(userCode),
          deviceId: request.device_id,
          publicKey: request.public_key,
          jkt,
          model: request.model,
          os: request.os,
          appVersion: request.app_version,
          invitedTo: invitation?.checkpointId ?? null,
          requestedAt: now,
          expiresAt: now + enrolmentValidS * 1000,
          intervalMs: enrolIntervalS * 1000,
          polledAt: null,
          decision: null,
        });
        const page = `${publicUrl()}/pages/`;
        return {
          device_code: deviceCode,
          user_code: userCode,
          verification_uri: `${page}#/enrol`,
          verification_uri_complete: `${page}#/enrol/${userCode}`,
          expires_in: enrolmentValidS,
          interval: enrolIntervalS,
          key_fingerprint: fingerprintOf(jkt),
          place_name: place?.name ?? null,
        };
      });
    },

    async poll(deviceCode, jkt) {
      // A thrown problem would roll the kept time of this poll back, so that it is returned and thrown outside.
      const outcome = await store.transaction(async (within) => {
        const now = clock.now();
        const asked = await within.enrolments.byDeviceCode(deviceCodeTag(deviceCode));
        // What was decided is told for a while longer: the machine may have been without a network.
        if (!asked || asked.jkt !== jkt || (asked.decision === null && asked.expiresAt <= now)) {
          return new HttpProblem("expired_token", "This code has ended; ask for a new one.");
        }
        if (asked.decision === "denied") return new HttpProblem("access_denied", "The owner has refused this machine.");
        if (asked.decision === "approved") {
          const device = await within.devices.find(asked.deviceId);
          const place = device ? await within.checkpoints.find(device.checkpointId) : null;
          if (!device || !place || device.jkt !== jkt || device.revokedAt !== null) {
            return new HttpProblem("access_denied", "The owner has taken the approval back.");
          }
          return { device_id: device.id, name: device.name, checkpoint_id: place.id, place_name: place.name };
        }
        const isEarly = asked.polledAt !== null && now - asked.polledAt < asked.intervalMs - earlyMs;
        const intervalMs = asked.intervalMs + (isEarly ? slowDownMs : 0);
        await within.enrolments.notePoll(asked.deviceCodeTag, now, intervalMs);
        return isEarly
          ? new HttpProblem("slow_down", `Ask again in ${intervalMs / 1000} s, and not more often.`, {
              retryAfterS: intervalMs / 1000,
            })
          : new HttpProblem("authorization_pending", "The owner has not decided yet.");
      });
      if (outcome instanceof HttpProblem) throw outcome;
      return outcome;
    },

    async lookUp(userCode, owner) {
      const asked = await waiting(store, userCode, owner);
      if (asked.decision !== null) throw decided();
      const { known, device } = await knownAs(store, asked, owner.personRef);
      const place = device ? await store.checkpoints.find(device.checkpointId) : null;
      const mayInvited = asked.invitedTo !== null && (await ownsPlace(store, asked.invitedTo, owner.personRef));
      return {
        user_code: normaliseUserCode(userCode) ?? "",
        device_id: asked.deviceId,
        model: asked.model,
        os: asked.os,
        app_version: asked.appVersion,
        key_fingerprint: fingerprintOf(asked.jkt),
        requested_at: new Date(asked.requestedAt).toISOString(),
        expires_in: Math.max(0, Math.floor((asked.expiresAt - clock.now()) / 1000)),
        invited_checkpoint_id: mayInvited ? asked.invitedTo : null,
        known,
        known_as: device && place ? { name: device.name, checkpoint_id: place.id, place_name: place.name } : null,
      };
    },

    approve({ userCode, checkpointId, name, keyFingerprint, replaceKey }, owner) {
      return store.transaction(async (within) => {
        const asked = await waiting(within, userCode, owner);
        await mustOwn(within, checkpointId, owner.personRef);
        if (fingerprintOf(asked.jkt) !== keyFingerprint) {
          throw wrongValue(
            "/key_fingerprint",
            "other_machine",
            "The machine behind this code has another key; compare the two screens again.",
          );
        }
        if (asked.decision !== null) {
          // The answer to the first approval may have been lost.
          const device = await within.devices.find(asked.deviceId);
          const isSame = device?.jkt === asked.jkt && device.checkpointId === checkpointId && device.name === name;
          if (asked.decision === "approved" && isSame) return device;
          throw decided();
        }
        await mustBeOpen(within, checkpointId);
        const { known, device: before } = await knownAs(within, asked, owner.personRef);
        if (known === "elsewhere") {
          throw new HttpProblem(
            "forbidden",
            "This machine belongs to another place; its owner must remove it there first.",
            { reason: "elsewhere" },
          );
        }
        if (known === "other-key" && !replaceKey) {
          throw wrongValue(
            "/replace_key",
            "other_key",
            "A machine of yours is known under this id with another key; say that the old key shall end.",
          );
        }
        const now = clock.now();
        await within.devices.enrol(
          {
            id: asked.deviceId,
            checkpointId,
            publicKey: asked.publicKey,
            jkt: asked.jkt,
            name,
            model: asked.model,
            os: asked.os,
            enrolledBy: owner.personRef,
          },
          now,
        );
        await within.enrolments.decide(asked.deviceCodeTag, "approved");
        // Owners of a place it leaves read of it as well.
        for (const place of new Set([before?.checkpointId ?? checkpointId, checkpointId])) {
          await accessLog.write(within, {
            action: "device_approved",
            actor: owner.personRef,
            checkpointId: place,
            objects: [asked.deviceId],
          });
        }
        if (known === "other-key") {
          logger.warn({ deviceId: asked.deviceId, enrolledBefore: before?.enrolledAt }, "a machine has a new key");
        }
        const device = await within.devices.find(asked.deviceId);
        if (!device) throw new Error("The machine just enrolled is missing.");
        return device;
      });
    },

    async deny(userCode, owner) {
      await store.transaction(async (within) => {
        const asked = await waiting(within, userCode, owner);
        if (asked.invitedTo !== null) await mustOwn(within, asked.invitedTo, owner.personRef);
        if (asked.decision === "approved") throw decided();
        await within.enrolments.decide(asked.deviceCodeTag, "denied");
        await accessLog.write(within, {
          action: "device_denied",
          actor: owner.personRef,
          checkpointId: asked.invitedTo,
          objects: [asked.deviceId],
        });
      });
    },

    invite(checkpointId, owner) {
      return store.transaction(async (within) => {
        await mustOwn(within, checkpointId, owner.personRef);
        await mustBeOpen(within, checkpointId);
        const now = clock.now();
        if ((await within.enrolments.countInvitations(checkpointId, now)) >= invitationsOpenPerPlace) {
          throw waitFirst("Too many invitations are open", windowMs);
        }
        const secret = newSecret();
        const expiresAt = now + enrolmentValidS * 1000;
        await within.enrolments.addInvitation(invitationTag(secret), checkpointId, owner.personRef, now, expiresAt);
        await accessLog.write(within, {
          action: "device_invited",
          actor: owner.personRef,
          checkpointId,
          objects: [],
        });
        return { text: invitationText({ base: publicUrl(), secret }), expiresAt };
      });
    },
  };
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** 32 letters, 160 bits. */
function newSecret(): string {
  return Array.from(randomBytes(32), (byte) => base32[byte & 31]).join("");
}

function decided(): HttpProblem {
  return new HttpProblem(
    "already_decided",
    "This code was used already; the machine shows a new one when it needs one.",
  );
}

function waitFirst(why: string, waitMs: number): HttpProblem {
  const retryAfterS = Math.ceil(waitMs / 1000);
  return new HttpProblem("rate_limited", `${why}; try again in ${retryAfterS} s.`, { retryAfterS });
}
