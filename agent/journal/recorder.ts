import { hash, randomBytes, randomUUIDv7 } from "node:crypto";
import type { EntryMark } from "../../contract/entries.ts";
import { isInside } from "../gate/presence.ts";
import { type Direction, decide, type GatePolicy, type Sighting, type Verdict } from "../gate/verdict.ts";
import type { EntryBody, EntryDraft } from "./entry.ts";
import type { JournalStore } from "./store.ts";

/** An entry before anybody decided about it; the bytes travel once, beside it. */
export interface UndecidedDraft extends Omit<EntryDraft, "direction" | "marks" | "body"> {
  readonly body: Omit<EntryBody, "rawB64">;
}

/** One code of a scan. */
export interface SeenCode {
  /** What the gate decides on; what only the journal knows is added here. */
  readonly sighting: Omit<Sighting, "sameScan" | "presence">;
  /** Canonical identity of the person, null when the code names none. */
  readonly personKey: string | null;
  /** Null when such a code is never recorded. */
  readonly draft: UndecidedDraft | null;
}

/** One scan on its way to the disk. */
export interface RecordRequest {
  readonly bytes: Uint8Array;
  readonly readerId: string;
  readonly receivedMonoMs: number;
  readonly codes: readonly SeenCode[];
  readonly policy: GatePolicy;
  /** What staff decided when they were asked; null lets the gate decide. */
  readonly confirmed: { readonly direction: Direction; readonly marks: readonly EntryMark[] } | null;
  /** After this moment (`process.hrtime`, ms) the person has been told that nothing was recorded. */
  readonly answerBeforeMs: number;
}

/** What is on the disk now. */
export interface Recorded {
  readonly seq: number;
  readonly id: string;
  readonly wallMs: number;
}

/** What became of one code; `entry` is there exactly when the verdict is `accept`. */
export interface RecordAnswer {
  readonly verdict: Verdict;
  readonly entry: Recorded | null;
}

/** A whole scan: its answers in the order of its codes, or the fault that kept it from being recorded. */
export type ScanAnswer = readonly RecordAnswer[] | { readonly fault: unknown };

/** An entry whose person was told "not recorded" although it is, or may be, on the disk. */
interface Untold {
  readonly id: string;
  readonly direction: Direction;
  readonly marks: readonly EntryMark[];
  readonly wallMs: number;
  /** `process.hrtime`, ms. */
  readonly sinceMs: number;
}

/** What the recorder remembers between scans; changed only when the transaction that it belongs to is on the disk. */
interface Memory {
  readonly lastPayload: Map<string, { digest: string; atMono: number }>;
  readonly untold: Map<string, Untold | null>;
  insideDelta: number;
}

/** Who comes again within this time gets the entry of the scan that was not answered. */
const untoldForMs = 120_000;
const maxUntold = 1_000;

/** Monotonic clock that all threads of this process share, ms. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * From a recognised scan to the verdict and the committed row. Scans that came while the last commit ran are one
 * transaction; each sees what the ones before it did. An answer leaves only after the commit.
 */
export class Recorder {
  readonly #store: JournalStore;
  readonly #nowMs: () => number;
  /** Keyed, so that the memory of a lane holds no payload. */
  readonly #payloadKey = randomBytes(32);
  readonly #memory: Memory = { lastPayload: new Map(), untold: new Map(), insideDelta: 0 };

  constructor(store: JournalStore, nowMs = sharedMs) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** How the number of people inside has changed since the last call. */
  takeInsideDelta(): number {
    const delta = this.#memory.insideDelta;
    this.#memory.insideDelta = 0;
    return delta;
  }

  /** Records these scans in one transaction; where one of them cannot be stored, each in one of its own. Never throws. */
  takeAll(requests: readonly RecordRequest[]): ScanAnswer[] {
    const answers = new Map(this.#takeInTime(requests));
    return requests.map((request) => answers.get(request) ?? { fault: new Error("The disk did not answer in time.") });
  }

  /** Without those nobody waits for any more: their person was told to scan again. */
  #takeInTime(requests: readonly RecordRequest[]): [RecordRequest, ScanAnswer][] {
    const now = this.#nowMs();
    const live = requests.filter((request) => request.answerBeforeMs > now);
    return live.length === 0 ? [] : this.#takeTogether(live);
  }

  #takeTogether(requests: readonly RecordRequest[]): [RecordRequest, ScanAnswer][] {
    const staged: Memory = { lastPayload: new Map(), untold: new Map(), insideDelta: 0 };
    const begun: [personKey: string, Untold][] = [];
    try {
      const answers = this.#store.transaction(() =>
        requests.map((request): [RecordRequest, RecordAnswer[]] => [request, this.#take(request, staged, begun)]),
      );
      this.#keep(staged);
      const now = this.#nowMs();
      const late = requests.filter((request) => request.answerBeforeMs <= now);
      for (const { codes } of late) for (const { personKey } of codes) this.#rememberUntold(personKey, begun);
      return answers;
    } catch (fault) {
      // One row that the file refuses must not take the others with it.
      if (requests.length > 1 && this.#store.isOpen && !isBusy(fault)) {
        return requests.flatMap((request) => this.#takeInTime([request]));
      }
      // After an I/O error nobody knows what reached the disk: whoever scans again gets the same id.
      if (!this.#store.isOpen) for (const [personKey] of begun) this.#rememberUntold(personKey, begun);
      return requests.map((request) => [request, { fault }]);
    }
  }

  #take(request: RecordRequest, staged: Memory, begun: [string, Untold][]): RecordAnswer[] {
    const digest = this.#digest(request);
    const lane = staged.lastPayload.get(request.readerId) ?? this.#memory.lastPayload.get(request.readerId);
    // The window slides: a card left before the reader for a minute is still one scan; another payload re-arms.
    const sameScan = lane?.digest === digest && request.receivedMonoMs - lane.atMono < request.policy.rescanMs;
    const answers = request.codes.map((seen) => this.#judge(request, seen, sameScan, staged, begun));
    // Only after it went well: a scan that was refused is judged anew at once.
    if (answers.some(({ verdict }) => verdict.kind !== "refuse")) {
      staged.lastPayload.set(request.readerId, { digest, atMono: request.receivedMonoMs });
    }
    return answers;
  }

  #judge(
    request: RecordRequest,
    { sighting, personKey, draft }: SeenCode,
    sameScan: boolean,
    staged: Memory,
    begun: [string, Untold][],
  ): RecordAnswer {
    const tag = personKey === null ? null : this.#store.tagOf(personKey);
    const presence = tag === null ? null : this.#store.presence(tag);
    const untold = personKey === null ? null : this.#untoldOf(personKey, staged);
    const isOther = request.confirmed !== null && request.confirmed.direction !== untold?.direction;
    if (untold !== null && personKey !== null && !isOther) {
      const seq = this.#store.seqOf(untold.id);
      if (seq !== null && (sighting.lane === "auto" || sighting.lane === untold.direction)) {
        staged.untold.set(personKey, null);
        begun.push([personKey, untold]);
        return {
          verdict: { kind: "accept", direction: untold.direction, marks: untold.marks },
          entry: { seq, id: untold.id, wallMs: untold.wallMs },
        };
      }
    }
    const verdict: Verdict =
      request.confirmed === null
        ? decide({ ...sighting, sameScan, presence }, request.policy)
        : { kind: "accept", ...request.confirmed };
    if (verdict.kind === "repeat" && verdict.reason === "already-inside" && tag !== null) {
      this.#store.prolong(tag, sighting.nowMs);
    }
    if (verdict.kind !== "accept") return { verdict, entry: null };
    if (personKey === null || tag === null || draft === null) {
      return { verdict: { kind: "refuse", reason: "no-person" }, entry: null };
    }
    const { direction, marks } = verdict;
    const body = { ...draft.body, rawB64: Buffer.from(request.bytes).toString("base64") };
    // The id is there before the write: should the write end in doubt, the next try is the same entry.
    const id = untold !== null && this.#store.seqOf(untold.id) === null ? untold.id : randomUUIDv7();
    begun.push([personKey, { id, direction, marks, wallMs: draft.wallMs, sinceMs: this.#nowMs() }]);
    const { seq } = this.#store.insert({ ...draft, body, direction, marks }, id, tag);
    staged.untold.set(personKey, null);
    const wasInside = isInside(presence, sighting.nowMs, request.policy.forgottenExitAfterMs);
    staged.insideDelta += Number(direction === "in") - Number(wasInside);
    return { verdict, entry: { seq, id, wallMs: draft.wallMs } };
  }

  #untoldOf(personKey: string, staged: Memory): Untold | null {
    const untold = staged.untold.has(personKey) ? staged.untold.get(personKey) : this.#memory.untold.get(personKey);
    return untold && this.#nowMs() - untold.sinceMs < untoldForMs ? untold : null;
  }

  #rememberUntold(personKey: string | null, begun: readonly [string, Untold][]): void {
    const found = begun.findLast(([key]) => key === personKey);
    if (found === undefined) return;
    const { untold } = this.#memory;
    untold.set(found[0], { ...found[1], sinceMs: this.#nowMs() });
    const [oldest] = untold.keys();
    if (untold.size > maxUntold && oldest !== undefined) untold.delete(oldest);
  }

  #keep(staged: Memory): void {
    for (const [readerId, payload] of staged.lastPayload) this.#memory.lastPayload.set(readerId, payload);
    for (const personKey of staged.untold.keys()) this.#memory.untold.delete(personKey);
    this.#memory.insideDelta += staged.insideDelta;
  }

  #digest(request: RecordRequest): string {
    return hash("sha256", Buffer.concat([this.#payloadKey, request.bytes]), "base64");
  }
}

/** Another process holds the file: waiting once for it was long enough. */
function isBusy(fault: unknown): boolean {
  const { cause } = fault as { cause?: { code?: string } };
  return cause?.code?.startsWith("SQLITE_BUSY") === true;
}
