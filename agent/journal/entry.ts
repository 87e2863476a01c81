import type { ClockState, EntryMark, WireEntry } from "../../contract/entries.ts";

/** Personal part of an entry: sealed per row, never in clear on disk. */
export interface EntryBody {
  /** The scanned bytes, base64: the truth. */
  readonly rawB64: string;
  readonly form: string | null;
  readonly fields: WireEntry["fields"];
  readonly warnings: readonly string[];
  readonly repairs: readonly string[];
  /** Version of the notice that the screen showed; null when no screen showed one, or in rows of an older build. */
  readonly noticeVersion: number | null;
}

/** What the gate hands over; the journal adds id and sequence. */
export interface EntryDraft {
  readonly bootId: string;
  readonly monoMs: number;
  readonly wallMs: number;
  readonly clockState: ClockState;
  readonly checkpointId: string;
  readonly staffRef: string | null;
  readonly readerId: string;
  /** What people called the reader at that moment. */
  readonly readerName: string;
  readonly kind: WireEntry["kind"];
  readonly direction: "in" | "out";
  readonly marks: readonly EntryMark[];
  /** Canonical identity of the person; stored only as a keyed HMAC. */
  readonly personKey: string;
  readonly body: EntryBody;
}

export type EntryState = "unsent" | "stored" | "quarantined" | "duplicate";

/** States as stored, by index. */
export const entryStates: readonly EntryState[] = ["unsent", "stored", "quarantined", "duplicate"];

/** One in or out as read back. */
export interface Entry extends Omit<EntryDraft, "personKey"> {
  readonly seq: number;
  /** UUIDv7: a name, not an order. */
  readonly id: string;
  readonly state: EntryState;
  readonly stateAtMs: number;
  /** How often the centre answered for this entry. */
  readonly attempts: number;
  readonly lastCode: string | null;
}
