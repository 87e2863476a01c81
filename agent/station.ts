import { createHmac, randomBytes, randomUUID } from "node:crypto";
import type { EntryMark } from "../contract/entries.ts";
import { maxRawBytes } from "../contract/limits.ts";
import type { RawScan } from "../drivers/reader.ts";
import { AgentError } from "../provisioning/agent-error.ts";
import type { Clock } from "./clock.ts";
import type { Code } from "./codes/code.ts";
import { maskedPerson, personKey } from "./codes/person.ts";
import { recognise } from "./codes/recognise.ts";
import { accepted, questions, refusals, repeats, type Sentence } from "./gate/sentences.ts";
import {
  type Direction,
  decide,
  type GatePolicy,
  type LaneDirection,
  type RefuseReason,
  type Verdict,
} from "./gate/verdict.ts";
import type { Entry, EntryDraft } from "./journal/entry.ts";
import type { Journal } from "./journal/journal.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import type { ScreenState } from "./kiosk-port/view.ts";
import { type ClockOffset, clockStateOf } from "./sync/clock-offset.ts";

/** Where a scan came from. */
export interface Lane {
  readonly readerId: string;
  readonly name: string;
  readonly direction: LaneDirection;
}

export interface StationOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly policy: () => GatePolicy;
  readonly checkpointId: () => string | null;
  readonly duty: () => { state: "signed-in" | "expired" | "none"; staffRef: string | null };
  readonly clockOffset: () => ClockOffset | null;
  /** A screen is connected. */
  readonly attended: () => boolean;
  /** An entry reached the disk. */
  readonly onRecorded: (entry: Entry) => void;
  /** The screen state or a count changed. */
  readonly onChange: () => void;
  readonly onOutcome: (outcome: ScanOutcome) => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

interface Question {
  readonly code: Code;
  readonly person: string;
  readonly scan: RawScan;
  readonly lane: Lane;
  readonly verdict: Extract<Verdict, { kind: "ask" }>;
  readonly correlationId: string | null;
}

/** How long each outcome stays on the screen, ms; a newer scan replaces it at once. */
const shownMs = { accepted: 4_000, repeat: 4_000, refused: 6_000, ask: 20_000 } as const;

/**
 * What a scan means and what becomes of it: `RawScan → Code → Verdict → Entry (durable) → screen`. Synchronous from
 * the bytes to the committed row; nothing here waits for a network, a person or another reader.
 */
export class Station {
  readonly #options: StationOptions;
  /** Keyed, so that the memory of a lane holds no payload. */
  readonly #payloadKey = randomBytes(32);
  readonly #lastPayload = new Map<string, { digest: string; atMono: number }>();
  #screen: ScreenState = { state: "ready" };
  #question: Question | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: StationOptions) {
    this.#options = options;
  }

  get screen(): ScreenState {
    return this.#screen;
  }

  /** Takes one scan through to its outcome. Never throws: whatever happens, the next person can scan. */
  take(scan: RawScan, lane: Lane, correlationId: string | null = null): void {
    try {
      this.#take(scan, lane, correlationId);
    } catch (error) {
      this.#options.log("station.fault", {
        readerId: lane.readerId,
        bytes: scan.bytes.length,
        code: error instanceof AgentError ? error.code : "unexpected",
        error: error instanceof Error ? error.message : String(error),
      });
      this.#refuse("not-recorded", "unknown", lane, correlationId);
    }
  }

  /** Staff answered the question on the screen. */
  answer(scanId: string, accept: boolean): void {
    const question = this.#question;
    if (question === null || this.#screen.state !== "ask" || this.#screen.scanId !== scanId) return;
    this.#question = null;
    const { lane, code, correlationId } = question;
    if (!accept) return this.#refuse("not-confirmed", code.kind, lane, correlationId);
    try {
      this.#record(question.scan, code, question.person, lane, question.verdict.direction, correlationId, [
        ...question.verdict.marks,
        "confirmed-by-staff",
      ]);
    } catch (error) {
      this.#options.log("station.fault", { error: error instanceof Error ? error.message : String(error) });
      this.#refuse("not-recorded", code.kind, lane, correlationId);
    }
  }

  /** The screen was looked at; back to ready. */
  dismiss(scanId: string): void {
    if ("scanId" in this.#screen && this.#screen.scanId === scanId) this.#ready();
  }

  /** Stops the screen timer. */
  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }

  #take(scan: RawScan, lane: Lane, correlationId: string | null): void {
    if (scan.spoiled !== null || scan.bytes.length > maxRawBytes) {
      const reason = scan.spoiled === "input-method" ? "input-method" : "spoiled";
      return this.#refuse(reason, "unknown", lane, correlationId);
    }
    if (this.#options.checkpointId() === null) return this.#refuse("not-set-up", "unknown", lane, correlationId);
    const today = new Date(this.#options.clock.wallMs()).toISOString().slice(0, 10);
    const codes = recognise(scan.bytes, { today });
    const sameScan = this.#isSameScan(scan, lane);
    for (const code of codes) this.#handle(scan, code, lane, sameScan, correlationId);
  }

  #handle(scan: RawScan, code: Code, lane: Lane, sameScan: boolean, correlationId: string | null): void {
    const { journal, clock, policy, duty } = this.#options;
    const person = personKey(code);
    const nowMs = clock.wallMs();
    const verdict = decide(
      {
        code,
        sameScan,
        lane: lane.direction,
        presence: person === null ? null : journal.presence(person),
        personKnown: person !== null,
        duty: duty().state,
        attended: this.#options.attended(),
        nowMs,
      },
      policy(),
    );
    if (verdict.kind === "refuse") return this.#refuse(verdict.reason, code.kind, lane, correlationId);
    if (person === null) return this.#refuse("no-person", code.kind, lane, correlationId);
    if (verdict.kind === "accept") {
      return this.#record(scan, code, person, lane, verdict.direction, correlationId, verdict.marks);
    }
    this.#remember(scan, lane);
    if (verdict.kind === "ask") return this.#ask({ scan, code, person, lane, verdict, correlationId });
    if (verdict.reason === "already-inside") journal.prolong(person, nowMs);
    this.#repeat(verdict, code, lane, correlationId);
  }

  #record(
    scan: RawScan,
    code: Code,
    person: string,
    lane: Lane,
    direction: Direction,
    correlationId: string | null,
    marks: readonly EntryMark[],
  ): void {
    const entry = this.#options.journal.append(this.#draft(scan, code, person, lane, direction, marks));
    this.#remember(scan, lane);
    this.#options.onRecorded(entry);
    // Only now is green allowed: the row is on the disk.
    this.#show({
      state: "accepted",
      scanId: entry.id,
      direction,
      person: maskedPerson(code),
      atMs: entry.wallMs,
      lane: lane.name,
      // Staff who have just confirmed the card need not be told again to look at it.
      remarks: marks.includes("confirmed-by-staff") ? [] : remarksOf(code),
    });
    this.#tell("accept", code.kind, lane, direction, entry, null, accepted[direction], correlationId);
  }

  #draft(
    scan: RawScan,
    code: Code,
    person: string,
    lane: Lane,
    direction: Direction,
    marks: readonly EntryMark[],
  ): EntryDraft {
    const { clock, checkpointId, duty, clockOffset } = this.#options;
    const checkpoint = checkpointId();
    if (checkpoint === null || !isRecordable(code)) throw new Error(`A ${code.kind} code cannot be recorded.`);
    return {
      bootId: clock.bootId,
      monoMs: clock.monoMs(),
      wallMs: clock.wallMs(),
      clockState: clockStateOf(clockOffset(), clock),
      checkpointId: checkpoint,
      staffRef: duty().staffRef,
      readerId: lane.readerId,
      readerName: lane.name,
      kind: code.kind,
      direction,
      marks,
      personKey: person,
      body: {
        rawB64: Buffer.from(scan.bytes).toString("base64"),
        form: code.form,
        fields: plainFields(code.fields),
        warnings: code.warnings,
        repairs: code.repairs,
      },
    };
  }

  #ask(question: Question): void {
    const { lane, verdict, code, correlationId } = question;
    const notice = questions[verdict.reason];
    const scanId = randomUUID();
    this.#show({
      state: "ask",
      scanId,
      lane: lane.name,
      reason: verdict.reason,
      direction: verdict.direction,
      person: maskedPerson(code),
      title: notice.title,
      next: notice.next,
    });
    this.#question = question;
    this.#tell("ask", code.kind, lane, verdict.direction, null, verdict.reason, notice.title, correlationId);
  }

  #repeat(verdict: Extract<Verdict, { kind: "repeat" }>, code: Code, lane: Lane, correlationId: string | null): void {
    // A card held before the reader repeats itself twice a second: the answer already on the screen stays.
    if (verdict.reason !== "same-scan") {
      this.#show({
        state: "repeat",
        scanId: randomUUID(),
        direction: verdict.direction,
        person: maskedPerson(code),
        sinceMs: verdict.sinceMs,
        lane: lane.name,
      });
    }
    this.#tell(
      "repeat",
      code.kind,
      lane,
      verdict.direction,
      null,
      verdict.reason,
      repeats[verdict.reason],
      correlationId,
    );
  }

  #refuse(reason: RefuseReason, kind: string, lane: Lane, correlationId: string | null): void {
    const notice = refusals[reason];
    this.#show({
      state: "refused",
      scanId: randomUUID(),
      lane: lane.name,
      reason,
      title: notice.title,
      next: notice.next,
    });
    const sentence = { vi: `${notice.title.vi}. ${notice.next.vi}`, en: `${notice.title.en}. ${notice.next.en}` };
    this.#tell("refuse", kind, lane, null, null, reason, sentence, correlationId);
  }

  #show(screen: Exclude<ScreenState, { state: "starting" | "ready" | "out-of-order" }>): void {
    this.#question = null;
    this.#screen = screen;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ready(), shownMs[screen.state]);
    this.#options.onChange();
  }

  #ready(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#question = null;
    this.#screen = { state: "ready" };
    this.#options.onChange();
  }

  #tell(
    verdict: ScanOutcome["verdict"],
    kind: string,
    lane: Lane,
    direction: Direction | null,
    entry: Entry | null,
    reason: string | null,
    sentence: Sentence,
    correlationId: string | null,
  ): void {
    this.#options.log("scan", { verdict, kind, reason, readerId: lane.readerId, seq: entry?.seq });
    this.#options.onOutcome({
      event: "scan",
      verdict,
      kind,
      readerId: lane.readerId,
      direction,
      entryId: entry?.id ?? null,
      seq: entry?.seq ?? null,
      reason,
      sentence,
      correlationId,
    });
  }

  /** Only after it went well: a scan that was refused or could not be recorded is judged anew at once. */
  #remember(scan: RawScan, lane: Lane): void {
    this.#lastPayload.set(lane.readerId, { digest: this.#digest(scan), atMono: scan.receivedMonoMs });
  }

  #digest(scan: RawScan): string {
    return createHmac("sha256", this.#payloadKey).update(scan.bytes).digest("base64");
  }

  /** The window slides: a card left before the reader for a minute is still one scan; another payload re-arms. */
  #isSameScan(scan: RawScan, lane: Lane): boolean {
    const last = this.#lastPayload.get(lane.readerId);
    return last?.digest === this.#digest(scan) && scan.receivedMonoMs - last.atMono < this.#options.policy().rescanMs;
  }
}

type RecordableCode = Extract<
  Code,
  { kind: "cccd" | "bhyt" | "personal" | "certificate" | "number" | "tram-personal" }
>;

function isRecordable(code: Code): code is RecordableCode {
  return ["cccd", "bhyt", "personal", "certificate", "number", "tram-personal"].includes(code.kind);
}

function plainFields(fields: RecordableCode["fields"]): EntryDraft["body"]["fields"] {
  const copied = Object.entries(fields).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]);
  return Object.fromEntries(copied);
}

/** Amber remarks beside the green, for staff. */
function remarksOf(code: Code): Sentence[] {
  const remarks: Sentence[] = [];
  const has = (warning: Code["warnings"][number]): boolean => code.warnings.includes(warning);
  if (has("sex-mismatch") || has("birth-year-mismatch")) remarks.push(questions["inconsistent-card"].title);
  if (has("expired")) remarks.push({ vi: "Giấy tờ đã hết hạn", en: "The document has expired" });
  if (has("name-unreadable") || has("letters-lost") || has("no-vietnamese-letters")) {
    remarks.push({ vi: "Không đọc được tên đầy đủ", en: "The name could not be read in full" });
  }
  return remarks;
}
