import { randomUUID } from "node:crypto";
import { type BatchRequest, type BatchResponse, batchResponse } from "../../contract/entries.ts";
import { uploadTimeoutMs } from "../../contract/limits.ts";
import { operations } from "../../contract/operations.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import type { Clock } from "../clock.ts";
import { longestPauseMs, pauseAfter } from "../sync/backoff.ts";
import { readOutcomes } from "../sync/batch.ts";
import type { CentralApi, Reply } from "../sync/central-api.ts";
import type { UploadCredential } from "../sync/outbox.ts";
import type { CarriedEntry, CarryFile, CarryManifest } from "./carry-file.ts";
import type { ReceiptItem } from "./receipt.ts";

export interface DeliveryOptions {
  readonly api: CentralApi;
  readonly credential: Pick<UploadCredential, "accessToken" | "renew">;
  /** Of the machine that delivers. */
  readonly clock: Clock;
  /** Server minus local wall clock, ms, as the answers so far say. */
  readonly serverOffsetMs: () => number;
  /** Each answer that the centre gave, once: what the receipt is made of. */
  readonly onAnswered: (items: readonly ReceiptItem[]) => void;
  readonly cancelled: AbortSignal;
  /** Waits between attempts; only tests do not wait. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** Attempts of one batch while nobody answers, or the centre asks for patience. */
const maxAttempts = 6;

/**
 * Brings the entries of a carry file to the centre by the same call as a station, under the sign-in of whoever carries
 * them. Stops at the first fault that waiting does not mend; all that was answered before has been reported.
 *
 * @returns how many entries the centre asked to bring again later
 * @throws AgentError `carry.delivery` with one sentence
 */
export async function deliver(carried: CarryFile, options: DeliveryOptions): Promise<{ waiting: number }> {
  let waiting = 0;
  const delivery = new Delivery(carried, options);
  for (const batch of carried.batches()) waiting += await delivery.bring(batch);
  return { waiting };
}

class Delivery {
  readonly #carried: CarryFile;
  readonly #options: DeliveryOptions;

  constructor(carried: CarryFile, options: DeliveryOptions) {
    this.#carried = carried;
    this.#options = options;
  }

  /** Brings one batch; where the centre refuses it as a whole, in halves down to the entry that it refuses. */
  async bring(entries: readonly CarriedEntry[]): Promise<number> {
    const reply = await this.#send(entries);
    if (reply.kind === "ok") {
      const { acknowledged, refused, waiting } = readOutcomes(
        entries.map(({ id }) => id),
        reply.value,
      );
      this.#options.onAnswered([
        ...acknowledged.map(({ id, state }) => ({ id, status: state })),
        ...refused.map(({ id, code }) => ({ id, status: "rejected" as const, code })),
      ]);
      return waiting.length;
    }
    const [only] = entries;
    if (entries.length === 1 && only !== undefined) {
      this.#options.onAnswered([{ id: only.id, status: "rejected", code: reply.name ?? `http-${reply.status}` }]);
      return 0;
    }
    const half = Math.ceil(entries.length / 2);
    return (await this.bring(entries.slice(0, half))) + (await this.bring(entries.slice(half)));
  }

  /** An answer to the entries, or a refusal of the whole batch for what is in it. */
  async #send(entries: readonly CarriedEntry[]): Promise<Extract<Reply<BatchResponse>, { kind: "ok" | "refused" }>> {
    const { api, credential, cancelled } = this.#options;
    for (let attempt = 1; ; attempt++) {
      if (cancelled.aborted) throw stopped("it was stopped");
      const token = credential.accessToken();
      if (token === null) throw stopped("the sign-in has ended");
      const reply = await api.call({
        operation: operations.uploadBatch,
        body: {
          batch_id: randomUUID(),
          device_id: this.#carried.manifest.deviceId,
          sent: this.#sent(),
          entries: [...entries],
        } satisfies BatchRequest,
        accessToken: token,
        schema: batchResponse,
        totalTimeoutMs: uploadTimeoutMs,
        cancelled,
      });
      if (reply.kind === "ok") return reply;
      if (reply.kind === "refused" && [400, 413, 422].includes(reply.status)) return reply;
      const again = await this.#mayTryAgain(reply, token, attempt);
      if (again !== null) throw stopped(again);
    }
  }

  /** Null after a pause that is worth another attempt, else why there is none. */
  async #mayTryAgain(
    reply: Exclude<Reply<BatchResponse>, { kind: "ok" }>,
    token: string,
    attempt: number,
  ): Promise<string | null> {
    if (reply.kind === "refused" && reply.status === 401) {
      const renewal = attempt > 2 ? "ended" : await this.#options.credential.renew(token);
      if (renewal === "ended") return "the sign-in has ended";
    } else if (reply.kind === "refused" && reply.status === 403) {
      return "this phone may not bring the entries of this place";
    } else if (reply.kind === "refused" && reply.status !== 409) {
      return `the centre answered ${reply.status} ${reply.name ?? ""}`.trimEnd();
    }
    if (attempt >= maxAttempts) {
      if (reply.kind === "foreign") return "something that is not the centre answered";
      return reply.kind === "unreachable" ? "the centre does not answer" : "the centre is busy";
    }
    const asked = "retryAfterMs" in reply ? Math.min(reply.retryAfterMs ?? 0, longestPauseMs) : 0;
    await (this.#options.pause ?? sleep)(Math.max(asked, pauseAfter(attempt, Math.random, longestPauseMs)));
    return null;
  }

  /**
   * The clocks of the station as if it sent now, so that the centre corrects the entries' times as it would have; with
   * clocks that nobody compared, a boot of its own, so that each entry keeps the time its station wrote.
   */
  #sent(): BatchRequest["sent"] {
    const trueNow = this.#options.clock.wallMs() + this.#options.serverOffsetMs();
    return sentAsIfNow(this.#carried.id, this.#carried.manifest, trueNow);
  }
}

/** See {@link Delivery}; `trueNow` is the centre's time. */
export function sentAsIfNow(
  carryId: string,
  { made, clockOffsetMs }: Pick<CarryManifest, "made" | "clockOffsetMs">,
  trueNow: number,
): BatchRequest["sent"] {
  const wall_ms = Math.round(trueNow - (clockOffsetMs ?? 0));
  if (made === null || clockOffsetMs === null) return { boot_id: `carry-${carryId}`, mono_ms: 0, wall_ms };
  const carriedForMs = Math.max(0, wall_ms - made.wallMs);
  return { boot_id: made.bootId, mono_ms: Math.round(made.monoMs + carriedForMs), wall_ms };
}

function stopped(why: string): AgentError {
  return new AgentError(
    "carry.delivery",
    `The delivery stopped (${why}); run it again with the same file, what was delivered is not delivered twice.`,
  );
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
