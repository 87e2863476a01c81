import { createHash, randomUUID } from "node:crypto";
import { type BatchRequest, type BatchResponse, contentOf, type WireEntry } from "../../contract/entries.ts";
import { maxBatchBytes, maxBatchEntries } from "../../contract/limits.ts";
import type { Clock } from "../clock.ts";
import type { Entry } from "../journal/entry.ts";

/** Room left in a batch for its envelope, bytes. */
const envelopeBytes = 1024;

/** An entry as it travels; the same bytes on every retry. */
export function toWire(entry: Entry): WireEntry {
  const content = {
    id: entry.id,
    seq: entry.seq,
    kind: entry.kind,
    direction: entry.direction,
    checkpoint_id: entry.checkpointId,
    staff_ref: entry.staffRef,
    reader_id: entry.readerId,
    boot_id: entry.bootId,
    mono_ms: entry.monoMs,
    wall_ms: entry.wallMs,
    clock_state: entry.clockState,
    marks: [...entry.marks],
    raw_b64: entry.body.rawB64,
  };
  const sha256 = createHash("sha256").update(contentOf(content), "utf8").digest("hex");
  return { ...content, reader_label: entry.readerName.slice(0, 120), fields: entry.body.fields, sha256 };
}

/**
 * The oldest entries that fit one batch: at most `limit` (never above 200) and 512 KiB of JSON. At least one entry is
 * taken, so that an oversized one is refused by the centre and isolated instead of blocking the queue.
 */
export function fillBatch(entries: readonly Entry[], limit: number): WireEntry[] {
  const batch: WireEntry[] = [];
  let bytes = envelopeBytes;
  for (const entry of entries.slice(0, Math.min(limit, maxBatchEntries))) {
    const wire = toWire(entry);
    bytes += Buffer.byteLength(JSON.stringify(wire)) + 1;
    if (batch.length > 0 && bytes > maxBatchBytes) break;
    batch.push(wire);
  }
  return batch;
}

export function batchOf(deviceId: string, entries: WireEntry[], clock: Clock): BatchRequest {
  return {
    batch_id: randomUUID(),
    device_id: deviceId,
    sent: { boot_id: clock.bootId, mono_ms: clock.monoMs(), wall_ms: clock.wallMs() },
    entries,
  };
}

export interface ItemOutcomes {
  readonly acknowledged: readonly { id: string; state: "stored" | "duplicate" }[];
  readonly refused: readonly { id: string; code: string }[];
  /** Still unsent: asked to wait, unknown status, or not named at all. Milliseconds to wait, null for back-off. */
  readonly waiting: readonly { id: string; afterMs: number | null }[];
}

/**
 * Reads the per-item answers. Only ids of this batch count, each once; what the answer does not name stays unsent,
 * an unknown status means `retry`. A status code of the whole reply proves nothing.
 */
export function readOutcomes(sent: readonly WireEntry[], response: BatchResponse): ItemOutcomes {
  const answers = new Map<string, BatchResponse["results"][number]>();
  for (const result of response.results) if (!answers.has(result.id)) answers.set(result.id, result);
  const acknowledged: { id: string; state: "stored" | "duplicate" }[] = [];
  const refused: { id: string; code: string }[] = [];
  const waiting: { id: string; afterMs: number | null }[] = [];
  for (const { id } of sent) {
    const answer = answers.get(id);
    if (answer?.status === "stored" || answer?.status === "duplicate") acknowledged.push({ id, state: answer.status });
    else if (answer?.status === "rejected") refused.push({ id, code: answer.type ?? "rejected" });
    else waiting.push({ id, afterMs: answer?.retry_after_s === undefined ? null : answer.retry_after_s * 1000 });
  }
  return { acknowledged, refused, waiting };
}
