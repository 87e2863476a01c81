import type { SequenceRange } from "../../contract/entries.ts";
import { type HeartbeatRequest, type HeartbeatResponse, heartbeatResponse } from "../../contract/heartbeat.ts";
import { maxMissingRanges } from "../../contract/limits.ts";
import { operations } from "../../contract/operations.ts";
import type { CentralApi, Reply } from "./central-api.ts";
import type { UploadCredential } from "./outbox.ts";
import { unlessStopped } from "./unless-stopped.ts";

/** What is told of this machine: numbers and versions, never an entry. */
export type HeartbeatFigures = Omit<HeartbeatRequest, "missing_after">;

export interface HeartbeatOptions {
  readonly api: CentralApi;
  readonly credential: Pick<UploadCredential, "accessToken" | "renew">;
  readonly deviceId: string;
  readonly figures: () => Promise<HeartbeatFigures>;
  /**
   * The highest number the centre ever got from this machine, with every answer. Compare it with the highest number
   * given by *now*: entries recorded while the call was under way may be in it.
   */
  readonly onHighWater: (seq: number) => Promise<void> | void;
  /** Numbers the centre never got. Those of entries that count as stored here are to be sent again. */
  readonly onMissing: (ranges: readonly SequenceRange[]) => Promise<void> | void;
  /** Versions below this one are to be updated; told when it changes. */
  readonly onMinVersion: (version: string) => void;
  /** The tag of what the centre wants of this machine, with every answer that has one. */
  readonly onConfigTag?: (etag: string) => void;
  /** The owner has removed this machine. */
  readonly onRevoked?: () => void;
  readonly random?: () => number;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

const everyMs = 60_000;
const jitterMs = 6_000;
/** The first comes soon: a journal that was rolled back should not record for long before anybody tells it. */
const firstWithinMs = 5_000;

/** Time until the next heartbeat, ms: a fleet that was switched on at once spreads. `random` gives [0, 1). */
export function heartbeatPause(random: () => number): number {
  return Math.round(everyMs - jitterMs + 2 * jitterMs * random());
}

/**
 * Tells the centre every minute how this machine is, and hears what the centre has of its journal. Nothing waits for
 * it: whatever fails is logged once and tried again a minute later.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #random: () => number;
  readonly #stopping = new AbortController();
  #endWait: (() => void) | null = null;
  #running: Promise<void> | null = null;
  /** Why the last one failed, null when it did not. */
  #fault: string | null = null;
  #missingAfter = 0;
  #minVersion: string | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Somebody signed in: the next one goes at once. */
  soon(): void {
    this.#endWait?.();
  }

  /** Cuts the call in flight. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.soon();
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.#pause(firstWithinMs * this.#random());
    while (!this.#stopping.signal.aborted) {
      let askedMs = 0;
      try {
        askedMs = await this.#beat();
      } catch (error) {
        this.#note(error instanceof Error ? error.message : String(error));
      }
      await this.#pause(Math.max(askedMs, heartbeatPause(this.#random)));
    }
  }

  /** Returns how long the centre asks to be left alone, ms. */
  async #beat(): Promise<number> {
    const { credential, figures } = this.#options;
    const token = credential.accessToken();
    if (token === null) return 0;
    const body = { ...(await figures()), missing_after: this.#missingAfter };
    let reply = await this.#send(body, token);
    const isExpired = reply.kind === "refused" && reply.status === 401;
    if (isExpired && (await unlessStopped(this.#stopping.signal, credential.renew(token), "ended")) === "renewed") {
      reply = await this.#send(body, credential.accessToken() ?? token);
    }
    if (this.#stopping.signal.aborted) return 0;
    if (reply.kind !== "ok") {
      if (reply.kind === "refused" && reply.name === "device_not_enrolled" && reply.problem?.reason === "revoked") {
        this.#options.onRevoked?.();
      }
      this.#note("status" in reply ? `${reply.status} ${reply.name ?? "unknown"}` : `${reply.kind}: ${reply.detail}`);
      return reply.kind === "busy" ? (reply.retryAfterMs ?? 0) : 0;
    }
    await this.#hear(reply.value);
    this.#note(null);
    return 0;
  }

  #send(body: HeartbeatRequest, accessToken: string): Promise<Reply<HeartbeatResponse>> {
    return this.#options.api.call({
      operation: operations.heartbeat,
      parameters: { id: this.#options.deviceId },
      body,
      accessToken,
      schema: heartbeatResponse,
      cancelled: this.#stopping.signal,
    });
  }

  async #hear({ high_water, missing, min_version, config_etag }: HeartbeatResponse): Promise<void> {
    const { onHighWater, onMissing, onMinVersion } = this.#options;
    // A full list has more behind it; gaps that stay (refused entries) must not hide them.
    this.#missingAfter = missing.length < maxMissingRanges ? 0 : (missing.at(-1)?.to ?? 0);
    if (config_etag !== undefined) this.#options.onConfigTag?.(config_etag);
    await onHighWater(high_water.seq);
    if (missing.length > 0) await onMissing(missing);
    if (min_version === undefined || min_version === this.#minVersion) return;
    this.#minVersion = min_version;
    onMinVersion(min_version);
  }

  #note(fault: string | null): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    this.#options.log(fault === null ? "heartbeat.heard" : "heartbeat.failed", fault === null ? {} : { fault });
  }

  #pause(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#endWait = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#endWait = end;
    });
  }
}
