import {
  type DeviceConfig,
  type DeviceRegistration,
  deviceRegistration,
  enrolReply,
  fingerprintOf,
} from "../../contract/devices.ts";
import type { ProofKey } from "../../contract/dpop.ts";
import { operations } from "../../contract/operations.ts";
import type { QrPath } from "../../drivers/reader-test/qr-picture.ts";
import { centralUrl } from "../../provisioning/agent-config.ts";
import type { Clock } from "../clock.ts";
import type { EnrolmentView, Sentence } from "../kiosk-port/view.ts";
import { pauseAfter } from "../sync/backoff.ts";
import type { CentralApi, Reply } from "../sync/central-api.ts";
import { type KeptEnrolment, readEnrolment, writeEnrolment } from "./enrolment-file.ts";
import { enrolmentSentences as sentences } from "./sentences.ts";

export interface EnrolmentOptions {
  readonly file: string;
  readonly key: ProofKey;
  /** Why the key cannot be used; null when it can. */
  readonly keyProblem: string | null;
  readonly deviceId: string;
  /** What the owner compares on the phone. */
  readonly machine: { readonly model: string; readonly os: string; readonly appVersion: string };
  /** Address of the centre in the configuration file: no other one is asked then. */
  readonly configuredCentre: string | null;
  readonly apiOf: (centre: string) => CentralApi;
  readonly clock: Clock;
  /** The place it records for is known, from the enrolment or another way. */
  readonly records: () => boolean;
  /** Entries that the present centre has not got. */
  readonly unsent: () => number;
  /** The machine belongs to another place, centre or nobody from now on. */
  readonly onChanged: () => void;
  /** Something a screen shows may have changed. */
  readonly onChange: () => void;
  /** Ids and states; never a code or a secret. */
  readonly log: (event: string, facts: Record<string, unknown>) => void;
  /** A text as a QR symbol. */
  readonly symbolOf: (text: string) => Promise<QrPath>;
  readonly random?: () => number;
}

/** Who asked, and with what. */
export interface EnrolmentWish {
  /** Address of the centre; the present one when absent. */
  readonly centre?: string | undefined;
  /** Secret of a scanned invitation. Kept in memory only. */
  readonly invitation?: string | undefined;
}

type Step =
  | { readonly name: "idle" }
  | { readonly name: "asking" }
  | { readonly name: "waiting"; readonly untilMono: number | null };

const idle: Step = { name: "idle" };
/** An unanswered request is given up after this; nothing of it is on the disk. */
const askingForMs = 10 * 60_000;
/** Staff that allowed it once need not hurry, and a stranger an hour later finds it closed. */
const allowedForMs = 10 * 60_000;
const longestPauseMs = 30_000;

/**
 * To which place this machine belongs, and how it gets there (RFC 8628): asks the centre, shows the user code until the
 * owner has decided, and keeps the answer durably before it holds. A request survives restarts and outages; what the owner
 * decided meanwhile is learned afterwards.
 */
export class Enrolment {
  readonly #options: EnrolmentOptions;
  #kept: KeptEnrolment;
  #step: Step = idle;
  #message: Sentence | null = null;
  #ended: EnrolmentView["ended"] = null;
  #allowedUntilMono = Number.NEGATIVE_INFINITY;
  /** Of the newest request's address; null until it is drawn. */
  #symbol: QrPath | null = null;
  /** Ends the request under way. */
  #current = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
    const { content, damaged } = readEnrolment(options.file);
    this.#kept = content;
    if (damaged) {
      options.log("enrolment.damaged", { warning: `${options.file} cannot be read; enrol this machine anew.` });
    }
  }

  get registration(): DeviceRegistration | null {
    return this.#kept.registration;
  }

  /** The owner has removed this machine: it takes no new scan, what it has still goes up. */
  get revoked(): boolean {
    return this.#kept.revoked;
  }

  /** Whom this machine sends to; null when nobody told it. */
  get centre(): string | null {
    return this.#options.configuredCentre ?? this.#kept.centre;
  }

  get config(): { readonly etag: string; readonly value: DeviceConfig } | null {
    return this.#kept.config;
  }

  get view(): EnrolmentView {
    const { key, clock } = this.#options;
    const { registration, revoked, waiting } = this.#kept;
    const shared = {
      fingerprint: fingerprintOf(key.thumbprint),
      centre: hostOf(this.centre),
      message: this.#message,
      mayScanInvitation: this.#mayBegin,
      records: this.#options.records() && !revoked,
      ended: this.#ended,
    };
    if (this.#step.name === "asking") return { state: "asking", ...shared };
    if (this.#step.name === "waiting" && waiting !== null) {
      const { untilMono } = this.#step;
      return {
        state: "waiting",
        ...shared,
        userCode: waiting.userCode,
        verificationUri: waiting.verificationUri,
        verificationUriComplete: waiting.verificationUriComplete,
        placeName: waiting.placeName,
        symbol: this.#symbol,
        expiresInS: untilMono === null ? null : Math.max(0, Math.ceil((untilMono - clock.monoMs()) / 1000)),
      };
    }
    if (registration === null) return { state: "none", ...shared };
    const { name, place_name: placeName } = registration;
    return { state: revoked ? "revoked" : "enrolled", ...shared, name, placeName };
  }

  /** Goes on with a request of before the restart. */
  start(): void {
    if (this.#kept.waiting === null || this.centre === null) return;
    this.#step = { name: "waiting", untilMono: null };
    this.#run((cancelled) => this.#poll(cancelled));
  }

  async stop(): Promise<void> {
    this.#current.abort();
    await this.#running;
  }

  /** Staff let the next invitation in although the machine belongs to a place. */
  allow(): void {
    this.#allowedUntilMono = this.#options.clock.monoMs() + allowedForMs;
    this.#say(null);
  }

  /** Asks the centre; null when that was begun, else why not. */
  begin({ centre: wanted, invitation }: EnrolmentWish): Sentence | null {
    const { configuredCentre, keyProblem, unsent } = this.#options;
    const why = (sentence: Sentence): Sentence => {
      this.#ended = "failed";
      this.#say(sentence);
      return sentence;
    };
    if (keyProblem !== null) return why(sentences.noKey);
    if (!this.#mayBegin) return why(sentences.alreadyEnrolled);
    const centre = wanted ?? this.centre;
    if (centre === null) return why(sentences.noCentre);
    if (!centralUrl.safeParse(centre).success) return why(sentences.unsafeCentre);
    if (configuredCentre !== null && !isSame(centre, configuredCentre)) return why(sentences.otherCentre);
    const present = this.#kept.registration === null ? null : this.#kept.centre;
    if (present !== null && !isSame(centre, present) && unsent() > 0) return why(sentences.unsentFirst);
    this.#current.abort();
    this.#step = { name: "asking" };
    this.#ended = null;
    this.#say(null);
    this.#run((cancelled) => this.#ask(centre, invitation, cancelled));
    return null;
  }

  /** Gives the request up; what the machine belongs to stays as it is. */
  cancel(): void {
    this.#current.abort();
    this.#end(null);
  }

  /** The centre said that the owner has removed this machine. */
  hearRevoked(): void {
    if (this.#kept.revoked || this.#kept.registration === null) return;
    this.#options.log("enrolment.revoked", { deviceId: this.#options.deviceId });
    // It holds also where the disk takes nothing: the centre says it again after a restart.
    this.#save({ ...this.#kept, revoked: true });
    this.#options.onChanged();
  }

  /**
   * What the centre wants of this machine, kept from now on. The place may be another one than before.
   * A configuration that is not for this machine is not taken; the log says so.
   */
  takeConfig(value: DeviceConfig, etag: string): void {
    const { log, deviceId } = this.#options;
    if (value.device_id !== deviceId) {
      log("enrolment.config-refused", { why: "The configuration is another machine's; the one before stays." });
      return;
    }
    const registration = {
      device_id: deviceId,
      name: value.name,
      checkpoint_id: value.place.id,
      place_name: value.place.name,
    };
    this.#save({ ...this.#kept, registration, revoked: !value.enrolled, config: { etag, value } });
    log("enrolment.config", { etag, checkpointId: value.place.id });
    this.#options.onChanged();
  }

  get #mayBegin(): boolean {
    const { registration, revoked } = this.#kept;
    return registration === null || revoked || this.#allowedUntilMono > this.#options.clock.monoMs();
  }

  async #ask(centre: string, invitation: string | undefined, cancelled: AbortSignal): Promise<void> {
    const { key, deviceId, machine, apiOf, clock, log } = this.#options;
    const api = apiOf(centre);
    const giveUpMono = clock.monoMs() + askingForMs;
    for (let failures = 1; clock.monoMs() < giveUpMono; failures++) {
      const reply = await api.call({
        operation: operations.enrolDevice,
        body: {
          device_id: deviceId,
          public_key: key.publicJwk,
          model: machine.model,
          os: machine.os,
          app_version: machine.appVersion,
          ...(invitation === undefined ? {} : { invitation }),
        },
        schema: enrolReply,
        cancelled,
      });
      if (cancelled.aborted) return;
      if (reply.kind === "ok") {
        const { device_code, user_code, verification_uri, verification_uri_complete, interval, place_name } =
          reply.value;
        const saved = this.#save({
          ...this.#kept,
          ...(this.#kept.registration === null ? { centre } : {}),
          waiting: {
            deviceCode: device_code,
            userCode: user_code,
            verificationUri: verification_uri,
            verificationUriComplete: verification_uri_complete,
            placeName: place_name,
            intervalS: interval,
          },
        });
        if (!saved) return this.#end(sentences.notSaved);
        log("enrolment.waiting", { deviceId, invited: invitation !== undefined });
        this.#step = { name: "waiting", untilMono: clock.monoMs() + reply.value.expires_in * 1000 };
        this.#say(null);
        return this.#poll(cancelled, centre);
      }
      log("enrolment.failed", { step: "ask", ...factsOf(reply) });
      if (reply.kind === "refused") {
        return this.#end(reply.name === "invitation_ended" ? sentences.invitationEnded : sentences.refused);
      }
      this.#say(reply.kind === "busy" ? sentences.busy : sentences.unreachable);
      const askedMs = reply.kind === "busy" ? (reply.retryAfterMs ?? 0) : 0;
      await pause(Math.max(askedMs, this.#backOff(failures)), cancelled);
      if (cancelled.aborted) return;
    }
    this.#end(sentences.unreachable);
  }

  async #poll(cancelled: AbortSignal, asked = this.centre): Promise<void> {
    const { apiOf, log, symbolOf } = this.#options;
    this.#symbol = null;
    const shown = this.#kept.waiting?.verificationUriComplete;
    if (shown !== undefined) {
      this.#symbol = await symbolOf(shown).catch(() => null);
      this.#options.onChange();
    }
    const centre = asked ?? "";
    const api = apiOf(centre);
    let intervalMs = (this.#kept.waiting?.intervalS ?? 5) * 1000;
    for (let failures = 0; !cancelled.aborted; ) {
      const { waiting } = this.#kept;
      if (waiting === null) return;
      await pause(Math.max(intervalMs, failures === 0 ? 0 : this.#backOff(failures)), cancelled);
      if (cancelled.aborted) return;
      const reply = await api.call({
        operation: operations.pollEnrolment,
        body: { device_code: waiting.deviceCode },
        schema: deviceRegistration,
        cancelled,
      });
      if (cancelled.aborted) return;
      if (reply.kind === "ok") return this.#enrolled(reply.value, centre);
      if (reply.kind !== "refused") {
        failures++;
        this.#say(reply.kind === "busy" ? sentences.busy : sentences.unreachable);
        continue;
      }
      failures = 0;
      switch (reply.name) {
        case "slow_down":
          intervalMs += 5_000;
          break;
        case "access_denied":
          return this.#end(sentences.denied, "denied");
        case "expired_token":
          return this.#end(sentences.expired, "expired");
        case "authorization_pending":
          break;
        default:
          log("enrolment.failed", { step: "poll", ...factsOf(reply) });
      }
      this.#say(null);
    }
  }

  #enrolled(registration: DeviceRegistration, centre: string): void {
    const saved = this.#save({ ...this.#kept, centre, waiting: null, registration, revoked: false, config: null });
    if (!saved) return this.#end(sentences.notSaved);
    this.#options.log("enrolment.enrolled", {
      deviceId: registration.device_id,
      checkpointId: registration.checkpoint_id,
    });
    this.#allowedUntilMono = Number.NEGATIVE_INFINITY;
    this.#end(null);
    this.#options.onChanged();
  }

  #end(message: Sentence | null, how: EnrolmentView["ended"] = message === null ? null : "failed"): void {
    if (message !== null) this.#options.log("enrolment.ended", { why: message.en });
    this.#step = idle;
    this.#ended = how;
    if (this.#kept.waiting !== null) this.#save({ ...this.#kept, waiting: null });
    this.#say(message);
  }

  #say(message: Sentence | null): void {
    this.#message = message;
    this.#options.onChange();
  }

  #backOff(failures: number): number {
    return pauseAfter(failures, this.#options.random ?? Math.random, longestPauseMs);
  }

  #run(work: (cancelled: AbortSignal) => Promise<void>): void {
    const current = new AbortController();
    this.#current = current;
    const before = this.#running;
    this.#running = before
      .then(() => work(current.signal))
      .catch((error: unknown) => this.#options.log("enrolment.fault", { error: String(error) }));
  }

  /** Whether the disk took it; it holds in memory all the same. */
  #save(content: KeptEnrolment): boolean {
    this.#kept = content;
    try {
      writeEnrolment(this.#options.file, content);
      return true;
    } catch (error) {
      this.#options.log("enrolment.not-saved", { error: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }
}

function factsOf(reply: Exclude<Reply<unknown>, { kind: "ok" }>): Record<string, unknown> {
  return "status" in reply
    ? { answer: reply.kind, status: reply.status, problem: reply.name }
    : { answer: reply.kind, detail: reply.detail };
}

/** Host and port, as both screens show them. */
function hostOf(centre: string | null): string | null {
  return centre === null ? null : (URL.parse(centre)?.host ?? null);
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [URL.parse(one), URL.parse(other)];
  return left !== null && right !== null && left.href.replace(/\/$/, "") === right.href.replace(/\/$/, "");
}

function pause(ms: number, cancelled: AbortSignal): Promise<void> {
  if (cancelled.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      cancelled.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    cancelled.addEventListener("abort", end);
  });
}
