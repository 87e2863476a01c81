import { createHash, randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { z } from "zod";
import { type BatchRequest, batchResponse, contentOf, type WireEntry } from "../../contract/entries.ts";
import { maxBatchBytes, maxBatchEntries } from "../../contract/limits.ts";
import type { Entry } from "../journal/entry.ts";
import { askedWaitMs } from "./retry-after.ts";

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
  const { fields, noticeVersion } = entry.body;
  return { ...content, reader_label: entry.readerName.slice(0, 120), notice_version: noticeVersion, fields, sha256 };
}

/** Who sends, and its clocks at that moment. */
export interface BatchEnvelope {
  readonly deviceId: string;
  readonly sent: BatchRequest["sent"];
}

/** Entries ready to travel. */
export interface PackedBatch {
  /** The ids in it, oldest first. */
  readonly ids: readonly string[];
  /** The request's JSON from its entries to its end, gzipped. */
  readonly gzippedEntries: Uint8Array;
}

/**
 * The oldest entries that fit one batch: at most `limit` (never above 200) and 512 KiB of JSON. At least one entry is
 * taken, so that an oversized one is refused by the centre and isolated instead of blocking the queue. Null when there
 * is none.
 */
export function packBatch(entries: readonly Entry[], limit: number): PackedBatch | null {
  const items: string[] = [];
  let bytes = envelopeBytes;
  for (const entry of entries.slice(0, Math.min(limit, maxBatchEntries))) {
    const item = JSON.stringify(toWire(entry));
    bytes += Buffer.byteLength(item) + 1;
    if (items.length > 0 && bytes > maxBatchBytes) break;
    items.push(item);
  }
  if (items.length === 0) return null;
  return {
    ids: entries.slice(0, items.length).map(({ id }) => id),
    gzippedEntries: gzipSync(`"entries":[${items.join(",")}]}`),
  };
}

/**
 * The whole request, gzipped. The envelope is a gzip member of its own before that of the entries (RFC 1952, 2.2): entries
 * are packed ahead of time, the clocks are read when they leave.
 */
export function sealEnvelope({ gzippedEntries }: PackedBatch, { deviceId, sent }: BatchEnvelope): Uint8Array {
  const head: Omit<BatchRequest, "entries"> = { batch_id: randomUUID(), device_id: deviceId, sent };
  return Buffer.concat([gzipSync(`${JSON.stringify(head).slice(0, -1)},`), gzippedEntries]);
}

const { results, high_water } = batchResponse.shape;

/**
 * What is read of the centre's answer. One item that is not understood is as good as unnamed, and a high-water mark that
 * is none is not heard: neither makes the other items unread, or their entries would wait behind it for ever.
 */
export const batchAnswer = z.object({
  results: z.array(z.unknown()).transform((items) =>
    items.flatMap((item) => {
      const parsed = results.element.safeParse(item);
      return parsed.success ? [parsed.data] : [];
    }),
  ),
  high_water: high_water.nullable().catch(null),
});

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
export function readOutcomes(
  sent: readonly string[],
  response: Pick<z.infer<typeof batchAnswer>, "results">,
): ItemOutcomes {
  const answers = new Map<string, z.infer<typeof results.element>>();
  for (const result of response.results) if (!answers.has(result.id)) answers.set(result.id, result);
  const acknowledged: { id: string; state: "stored" | "duplicate" }[] = [];
  const refused: { id: string; code: string }[] = [];
  const waiting: { id: string; afterMs: number | null }[] = [];
  for (const id of sent) {
    const answer = answers.get(id);
    if (answer?.status === "stored" || answer?.status === "duplicate") acknowledged.push({ id, state: answer.status });
    else if (answer?.status === "rejected") refused.push({ id, code: answer.type ?? "rejected" });
    else waiting.push({ id, afterMs: askedWaitMs(answer?.retry_after_s) });
  }
  return { acknowledged, refused, waiting };
}
