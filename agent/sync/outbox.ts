import { maxBatchEntries, uploadTimeoutMs } from "../../contract/limits.ts";
import { operations } from "../../contract/operations.ts";
import type { Clock } from "../clock.ts";
import type { Journal } from "../journal/journal.ts";
import type { NextBatch } from "../journal/reader-thread.ts";
import { unreadableCode } from "../journal/store.ts";
import type { Sentence } from "../kiosk-port/view.ts";
import { longestPauseMs, longestUnreachablePauseMs, pauseAfter } from "./backoff.ts";
import { batchAnswer, type PackedBatch, readOutcomes, sealEnvelope } from "./batch.ts";
import { afterFailure, afterSuccess } from "./batch-size.ts";
import type { CentralApi, Reply } from "./central-api.ts";
import { afterAnswer, afterRefusal, type Halving, nextBatchLimit, nothingSuspected } from "./halving.ts";
import { sendingSentences } from "./sentences.ts";
import { unlessStopped } from "./unless-stopped.ts";

/** The credential the outbox sends under; duty provides it. */
export interface UploadCredential {
  /** Current access token, null when nobody's credential is valid on this machine. */
  accessToken(): string | null;
  /** The token was refused: get a new one. False when only a new sign-in helps. */
  renew(refusedToken: string): Promise<"renewed" | "ended" | "try-later">;
  /** Asks the centre something harmless: whether our server answered. */
  probe(): Promise<boolean>;
}

/** How long to wait before the next attempt; a nudge ends the wait only where there is no reason to be patient. */
interface Wait {
  readonly ms: number;
  readonly endedByNudge: boolean;
}

/** A row that is not sent before this monotonic time, and how often that has happened to it. */
interface Deferral {
  readonly notBeforeMono: number;
  readonly times: number;
}

const atOnce: Wait = { ms: 0, endedByNudge: true };
const patiently = (ms: number): Wait => ({ ms, endedByNudge: false });

export interface OutboxStatus {
  /** The last call was answered by our server. */
  readonly online: boolean;
  /** Why sending does not work right now, null when it does. */
  readonly message: Sentence | null;
}

export interface OutboxOptions {
  readonly journal: Journal;
  readonly api: CentralApi;
  readonly credential: UploadCredential;
  readonly deviceId: string;
  /** It was enrolled; until then no sign-in helps. */
  readonly isEnrolled: () => boolean;
  readonly clock: Clock;
  /** The wall clock cannot be right; a certificate out of its time is then this machine's fault. */
  readonly clockIsImpossible: () => boolean;
  readonly random?: () => number;
  /** Called after anything a screen shows may have changed. */
  readonly onChange: (status: OutboxStatus) => void;
  /** Ids, counts and codes only; never a payload. */
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

/** A version or configuration fault is asked again at the earliest after this long (wire contract, section 2). */
const faultPauseMs = 15 * 60_000;
/** So many rows isolated one after another, none taken in between: then it is the centre that is wrong, not they. */
const refusedInARow = 20;
const inProgressPauseMs = 5_000;
const shortestPauseMs = 1_000;
/**
 * Rows held back at the centre's wish that are stepped over at once. A centre that holds back more is waited for: what is
 * stepped over is kept in memory and named in every look into the journal.
 */
const mostHeld = 5_000;
/** An idle gate asks for the centre this often, so that the badge stays honest. */
const probeEveryMs = 30_000;

/**
 * Sends the unsent part of the journal: one batch in flight, oldest first, for ever. The row's own state is the
 * cursor; nothing about a running call is on disk. Only a named `stored` or `duplicate` takes a row out. While a batch is
 * on its way the one before it is acknowledged and the next one is packed, so that a backlog leaves as fast as the centre
 * takes it.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #endWait: ((by: "nudge" | "retry") => void) | null = null;
  /** Something came while no wait was running; it ends the next one. */
  #pending: "nudge" | "retry" | null = null;
  #failures = 0;
  #lastContactMono = Number.NEGATIVE_INFINITY;
  #halving: Halving = nothingSuspected;
  #refusedInARow = 0;
  #batchSize = maxBatchEntries;
  #blockedToken: string | null = null;
  /** The token was renewed and nothing has been accepted under the new one yet. */
  #renewedInVain = false;
  /** Rows the centre asked to hold, or did not name, by id. Memory only. */
  readonly #deferred = new Map<string, Deferral>();
  /** The entries behind the batch in flight; null when they must be looked for anew. */
  #ahead: Promise<NextBatch> | null = null;
  /** The acknowledgement of the batch before, on its way to the disk. */
  #acknowledging: Promise<void> = Promise.resolve();
  #status: OutboxStatus = { online: false, message: null };
  #running: Promise<void> | null = null;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  get status(): OutboxStatus {
    return this.#status;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** A new entry was recorded: ends an idle wait, never a back-off. */
  nudge(): void {
    this.#signal("nudge");
  }

  /** Somebody signed in or the network came back: ends any wait. */
  retryNow(): void {
    this.#renewedInVain = false;
    this.#failures = 0;
    this.#blockedToken = null;
    this.#signal("retry");
  }

  /** Cuts the call in flight and stops; the journal may be closed afterwards. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#signal("retry");
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      let wait: Wait;
      try {
        wait = await this.#step();
      } catch (error) {
        // A journal fault: the row states are untouched, so trying again later is safe.
        this.#options.log("outbox.fault", { error: error instanceof Error ? error.message : String(error) });
        this.#ahead = null;
        wait = this.#backOff(longestUnreachablePauseMs);
      }
      if (wait.ms > 0 && !this.#stopping.signal.aborted) await this.#pause(wait);
    }
    await this.#acknowledging.catch(() => {});
  }

  /** One attempt; returns how long to wait before the next. */
  async #step(): Promise<Wait> {
    const { journal, credential, clock, api, deviceId } = this.#options;
    const batch = await this.#takeBatch();
    if (batch === null) return this.#idle();
    const token = credential.accessToken();
    if (token === null) {
      return this.#options.isEnrolled()
        ? // The machine's own credential is on its way: without a network no sign-in helps either.
          this.#hold(sendingSentences.signIn, sendingSentences.unreachable)
        : this.#hold(sendingSentences.notEnrolled);
    }
    if (token === this.#blockedToken) return this.#hold(sendingSentences.notAllowed);
    const sent = { boot_id: clock.bootId, mono_ms: clock.monoMs(), wall_ms: clock.wallMs() };
    const ahead = this.#packAhead(batch);
    const reply = await api.call({
      operation: operations.uploadBatch,
      gzipped: sealEnvelope(batch, { deviceId, sent }),
      accessToken: token,
      schema: batchAnswer,
      totalTimeoutMs: uploadTimeoutMs,
      // Safe to cut: what the centre has stored meanwhile is answered as `duplicate` next time.
      cancelled: this.#stopping.signal,
    });
    if (reply.kind === "ok" || reply.kind === "refused") this.#lastContactMono = clock.monoMs();
    await this.#acknowledged();
    if (reply.kind !== "ok") return this.#onFailure(reply, batch, token);

    this.#renewedInVain = false;
    await this.#noteHighWater(reply.value.high_water?.seq ?? 0);
    const outcomes = readOutcomes(batch.ids, reply.value);
    if (outcomes.acknowledged.length > 0) {
      this.#acknowledging = journal
        .acknowledge(outcomes.acknowledged, clock.wallMs())
        .then(() => this.#options.onChange(this.#status));
      // Whoever waits for it next meets its fault.
      this.#acknowledging.catch(() => {});
    }
    if (outcomes.acknowledged.length === batch.ids.length) this.#ahead = ahead;
    for (const { id, code } of outcomes.refused) await this.#quarantine(id, code);
    for (const { id } of [...outcomes.acknowledged, ...outcomes.refused]) this.#deferred.delete(id);
    this.#halving = afterAnswer(this.#halving, batch.ids.length);
    this.#batchSize = afterSuccess(this.#batchSize);
    this.#options.log("outbox.answered", {
      sent: batch.ids.length,
      acknowledged: outcomes.acknowledged.length,
      refused: outcomes.refused.length,
      waiting: outcomes.waiting.length,
    });
    this.#say(true, null);
    if (outcomes.acknowledged.length + outcomes.refused.length === 0) {
      // Nothing went forward: asking with the next two hundred would only repeat it.
      const asked = Math.max(0, ...outcomes.waiting.map(({ afterMs }) => afterMs ?? 0));
      return patiently(Math.max(shortestPauseMs, asked, this.#backOff(longestPauseMs).ms));
    }
    this.#failures = 0;
    if (outcomes.acknowledged.length > 0) this.#refusedInARow = 0;
    for (const { id, afterMs } of outcomes.waiting) {
      const times = (this.#deferred.get(id)?.times ?? 0) + 1;
      const ms = Math.max(shortestPauseMs, afterMs ?? pauseAfter(times, this.#random));
      this.#deferred.set(id, { notBeforeMono: clock.monoMs() + ms, times });
    }
    return atOnce;
  }

  /** The heartbeat hears it too: what fails here keeps no entry from being acknowledged. */
  async #noteHighWater(seq: number): Promise<void> {
    try {
      await this.#options.journal.noteHighWater(seq);
    } catch (error) {
      this.#options.log("outbox.fault", { error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Nothing to send now: ask whether the centre is there, then wait for a nudge or the first deferred row. */
  async #idle(): Promise<Wait> {
    const dueMono = this.#held().reduce((first, { notBeforeMono }) => Math.min(first, notBeforeMono), Infinity);
    const answered = await this.#probe();
    if (answered !== null) {
      this.#say(answered, answered ? null : sendingSentences.unreachable);
      if (answered) this.#failures = 0;
    }
    const pause = answered === false ? this.#backOff(longestUnreachablePauseMs).ms : probeEveryMs;
    return { ms: Math.max(50, Math.min(dueMono - this.#options.clock.monoMs(), pause)), endedByNudge: true };
  }

  /** Rows wait for somebody; nothing this machine does alone can help. */
  async #hold(message: Sentence, offline = message): Promise<Wait> {
    const online = (await this.#probe()) ?? this.#status.online;
    this.#say(online, online ? message : offline);
    return { ms: probeEveryMs, endedByNudge: false };
  }

  /** Null when our server answered a moment ago. */
  async #probe(): Promise<boolean | null> {
    if (this.#options.clock.monoMs() - this.#lastContactMono < probeEveryMs) return null;
    const answered = await unlessStopped(this.#stopping.signal, this.#options.credential.probe(), false);
    if (answered) this.#lastContactMono = this.#options.clock.monoMs();
    return answered;
  }

  async #takeBatch(): Promise<PackedBatch | null> {
    const { journal, clock } = this.#options;
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead === null) await this.#acknowledged();
    const limit = Math.min(this.#batchSize, nextBatchLimit(this.#halving));
    const held = new Set(this.#heldIds());
    if (held.size >= mostHeld) return null;
    const { batch, damaged } = await (ahead ?? journal.nextBatch(limit, [...held]));
    for (const seq of damaged) {
      await journal.quarantine({ seq }, unreadableCode, clock.wallMs());
      this.#options.log("outbox.damaged-row", { seq });
    }
    if (batch === null) {
      await this.#acknowledged();
      // Whatever is due and not here any more left the outbox another way.
      for (const id of this.#deferred.keys()) if (!held.has(id)) this.#deferred.delete(id);
    }
    return batch === null && damaged.length > 0 ? this.#takeBatch() : batch;
  }

  /** What comes after `batch`; null while sizes are being tried, because the next one depends on the answer. */
  #packAhead({ ids }: PackedBatch): Promise<NextBatch> | null {
    if (this.#halving !== nothingSuspected || this.#batchSize < maxBatchEntries) return null;
    const packed = this.#acknowledging.then(() =>
      this.#options.journal.nextBatch(maxBatchEntries, [...this.#heldIds(), ...ids]),
    );
    // Whoever takes it meets its fault.
    packed.catch(() => {});
    return packed;
  }

  #heldIds(): string[] {
    return this.#held().map(({ id }) => id);
  }

  /** Waits for the acknowledgement of the batch before. @throws AgentError when it did not reach the disk */
  async #acknowledged(): Promise<void> {
    const acknowledging = this.#acknowledging;
    this.#acknowledging = Promise.resolve();
    await acknowledging;
  }

  /** What is not to be sent yet. */
  #held(): (Deferral & { readonly id: string })[] {
    const now = this.#options.clock.monoMs();
    return [...this.#deferred]
      .filter(([, { notBeforeMono }]) => notBeforeMono > now)
      .map(([id, deferral]) => ({ id, ...deferral }));
  }

  async #onFailure(reply: Exclude<Reply<unknown>, { kind: "ok" }>, { ids }: PackedBatch, token: string): Promise<Wait> {
    this.#options.log("outbox.failed", {
      sent: ids.length,
      answer: reply.kind,
      ...("status" in reply ? { status: reply.status, problem: reply.name } : { detail: reply.detail }),
    });
    if (reply.kind !== "refused") {
      this.#batchSize = afterFailure(this.#batchSize);
      // Nobody judged the new token, and it may end before anybody does.
      this.#renewedInVain = false;
    }
    switch (reply.kind) {
      case "unreachable":
        this.#say(false, sendingSentences.unreachable);
        return this.#backOff(longestUnreachablePauseMs);
      case "foreign":
        this.#say(false, this.#sentenceFor(reply));
        return this.#backOff(longestUnreachablePauseMs);
      case "busy":
        this.#say(false, sendingSentences.busy);
        return patiently(Math.max(reply.retryAfterMs ?? 0, this.#backOff(longestPauseMs).ms));
      case "refused":
        break;
    }
    switch (reply.status) {
      case 401: {
        // A fresh token that is refused too would go round for ever: then wait as if the centre were busy.
        if (this.#renewedInVain) {
          this.#renewedInVain = false;
          return this.#backOff(longestPauseMs);
        }
        const renewal = await unlessStopped(this.#stopping.signal, this.#options.credential.renew(token), "try-later");
        if (renewal === "renewed") {
          this.#renewedInVain = true;
          return atOnce;
        }
        if (renewal === "ended") return this.#hold(sendingSentences.signIn);
        this.#say(false, sendingSentences.unreachable);
        return this.#backOff(longestUnreachablePauseMs);
      }
      case 403:
        // This credential may not; the rows wait for another one.
        this.#blockedToken = token;
        return this.#hold(
          reply.name === "device_not_enrolled" ? sendingSentences.notEnrolled : sendingSentences.notAllowed,
        );
      case 409:
        return patiently(Math.max(shortestPauseMs, reply.retryAfterMs ?? inProgressPauseMs));
      case 400:
      case 413:
      case 422: {
        const { next, isolated } = afterRefusal(ids.length);
        this.#halving = next;
        const [only] = ids;
        if (isolated && only !== undefined) {
          await this.#quarantine(only, reply.name ?? `http-${reply.status}`);
          if (++this.#refusedInARow >= refusedInARow) {
            this.#refusedInARow = 0;
            this.#say(false, sendingSentences.fault);
            return patiently(faultPauseMs);
          }
        }
        this.#say(true, null);
        return atOnce;
      }
      default:
        this.#say(false, sendingSentences.fault);
        return patiently(faultPauseMs);
    }
  }

  async #quarantine(id: string, code: string): Promise<void> {
    await this.#options.journal.quarantine({ id }, code, this.#options.clock.wallMs());
    this.#options.log("outbox.quarantined", { id, code });
  }

  #backOff(longestMs: number): Wait {
    this.#failures++;
    return patiently(Math.max(1, this.#jitter(longestMs)));
  }

  #jitter(longestMs: number): number {
    return pauseAfter(this.#failures, this.#random, longestMs);
  }

  #sentenceFor({ untimely }: { readonly untimely: boolean }): Sentence {
    return untimely && this.#options.clockIsImpossible() ? sendingSentences.clock : sendingSentences.foreign;
  }

  #say(online: boolean, message: Sentence | null): void {
    this.#status = { online, message };
    this.#options.onChange(this.#status);
  }

  #signal(by: "nudge" | "retry"): void {
    if (this.#endWait) this.#endWait(by);
    else if (this.#pending !== "retry") this.#pending = by;
  }

  #pause({ ms, endedByNudge }: Wait): Promise<void> {
    const pending = this.#pending;
    this.#pending = null;
    if (pending === "retry" || (pending === "nudge" && endedByNudge)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#endWait = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#endWait = (by) => {
        if (by === "retry" || endedByNudge) end();
      };
    });
  }
}
