import { createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import { AgentError } from "../../provisioning/agent-error.ts";

/** What the centre said of one carried entry. */
export interface ReceiptItem {
  readonly id: string;
  readonly status: "stored" | "duplicate" | "rejected";
  /** Why it was rejected. */
  readonly code?: string;
}

/** Which carry file of which station a receipt answers. */
export interface ReceiptHead {
  readonly carry: string;
  readonly device: string;
}

/**
 * A receipt, JSON lines: the head, one line an entry that the centre has named, and the tag: an HMAC-SHA-256 over
 * all lines before it, under the key that was sealed in the carry file.
 */
const head = z.object({ receipt: z.literal(1), carry: z.string().regex(/^[0-9a-f]{32}$/), device: z.uuid() });
const item = z.union([
  z.tuple([z.string(), z.enum(["stored", "duplicate"])]),
  z.tuple([z.string(), z.literal("rejected"), z.string()]),
]);
const tail = z.object({ entries: z.int(), tag: z.base64() });

/** More in one line is nothing of ours. */
const maxLineBytes = 4096;
const chunkBytes = 64 * 1024;

/** The lines of a receipt, each with its line end. */
export function* receiptLines(answered: ReceiptHead, items: Iterable<ReceiptItem>, key: Uint8Array): Generator<string> {
  const hmac = createHmac("sha256", key);
  const line = (content: unknown): string => {
    const text = `${JSON.stringify(content)}\n`;
    hmac.update(text, "utf8");
    return text;
  };
  yield line({ receipt: 1, ...answered } satisfies z.infer<typeof head>);
  let entries = 0;
  for (const { id, status, code } of items) {
    entries++;
    yield line(status === "rejected" ? [id, status, code ?? "rejected"] : [id, status]);
  }
  yield `${JSON.stringify({ entries, tag: hmac.digest("base64") } satisfies z.infer<typeof tail>)}\n`;
}

/**
 * Reads a receipt, first to its end to see whether it is genuine, then item by item.
 *
 * @param keyOf the receipt key of a carry file, by its id
 * @throws AgentError `carry.receipt` with one sentence, before the first item, when it is forged, cut, damaged or of
 * another station
 */
export function* readReceipt(
  file: string,
  device: string,
  keyOf: (carryId: string) => Uint8Array,
): Generator<ReceiptItem> {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    throw new AgentError(
      "carry.receipt",
      `The receipt ${file} cannot be read (${(cause as NodeJS.ErrnoException).code}); check the path and the stick.`,
      { cause },
    );
  }
  const refuse = (why: string): AgentError =>
    new AgentError(
      "carry.receipt",
      `The receipt ${file} is not taken (${why}); nothing was changed, deliver the carry file again to get a whole one.`,
    );
  try {
    verify(descriptor, device, keyOf, refuse);
    let isFirst = true;
    for (const line of linesOf(descriptor, refuse)) {
      const parsed = item.safeParse(jsonOf(line));
      if (parsed.success) yield itemOf(parsed.data);
      else if (!isFirst) return;
      isFirst = false;
    }
  } finally {
    closeSync(descriptor);
  }
}

function itemOf([id, status, code]: z.infer<typeof item>): ReceiptItem {
  return { id, status, ...(code === undefined ? {} : { code }) };
}

function verify(
  descriptor: number,
  device: string,
  keyOf: (carryId: string) => Uint8Array,
  refuse: (why: string) => AgentError,
): void {
  let hmac: ReturnType<typeof createHmac> | null = null;
  let entries = 0;
  let end: z.infer<typeof tail> | null = null;
  for (const line of linesOf(descriptor, refuse)) {
    if (end !== null) throw refuse("something stands behind its end");
    const json = jsonOf(line);
    if (hmac === null) {
      const parsed = head.safeParse(json);
      if (!parsed.success) throw refuse("it does not begin as a receipt");
      if (parsed.data.device !== device) throw refuse("it is of another station");
      hmac = createHmac("sha256", keyOf(parsed.data.carry));
    } else {
      const last = tail.safeParse(json);
      if (last.success) {
        end = last.data;
        continue;
      }
      if (!item.safeParse(json).success) throw refuse("it is damaged");
      entries++;
    }
    hmac.update(`${line}\n`, "utf8");
  }
  if (hmac === null || end === null) throw refuse("it is not whole");
  // As text: more than one text decodes to the same bytes.
  const tag = Buffer.from(hmac.digest("base64"), "latin1");
  const given = Buffer.from(end.tag, "latin1");
  if (end.entries !== entries || given.length !== tag.length || !timingSafeEqual(given, tag)) {
    throw refuse("it is forged, damaged or of another station");
  }
}

/** The lines of a file from its beginning; one without its line end is not whole. */
function* linesOf(descriptor: number, refuse: (why: string) => AgentError): Generator<string> {
  const { size } = fstatSync(descriptor);
  let rest = Buffer.alloc(0);
  const chunk = Buffer.alloc(chunkBytes);
  for (let at = 0; at < size; ) {
    const got = readSync(descriptor, chunk, 0, chunkBytes, at);
    if (got === 0) break;
    at += got;
    rest = Buffer.concat([rest, chunk.subarray(0, got)]);
    let from = 0;
    for (let to = rest.indexOf(10); to >= 0; to = rest.indexOf(10, from)) {
      yield rest.toString("utf8", from, to);
      from = to + 1;
    }
    rest = rest.subarray(from);
    if (rest.length > maxLineBytes) throw refuse("it is damaged");
  }
  if (rest.length > 0) throw refuse("it is not whole");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
