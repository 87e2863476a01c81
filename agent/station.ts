import { randomUUID } from "node:crypto";
import type { EntryMark } from "../contract/entries.ts";
import { maxRawBytes } from "../contract/limits.ts";
import type { PlaceState } from "../contract/places.ts";
import type { RawScan } from "../drivers/reader.ts";
import { AgentError } from "../provisioning/agent-error.ts";
import type { Clock } from "./clock.ts";
import type { Code } from "./codes/code.ts";
import { maskedPerson, personKey } from "./codes/person.ts";
import { recognise } from "./codes/recognise.ts";
import { enrolmentSentences } from "./enrolment/sentences.ts";
import { accepted, questions, refusals, repeats, type Sentence } from "./gate/sentences.ts";
import type { Direction, GatePolicy, LaneDirection, RefuseReason, Verdict } from "./gate/verdict.ts";
import type { Entry, EntryDraft } from "./journal/entry.ts";
import type { Journal } from "./journal/journal.ts";
import type { RecordAnswer, Recorded, SeenCode, UndecidedDraft } from "./journal/recorder.ts";
import type { ScanOutcome } from "./kiosk-port/port.ts";
import type { ScreenState } from "./kiosk-port/view.ts";
import type { PlaceCheck } from "./place-check.ts";
import { shownPerson } from "./policy.ts";
import { type ClockOffset, clockStateOf } from "./sync/clock-offset.ts";

/** Where a scan came from. */
export interface Lane {
  readonly readerId: string;
  readonly name: string;
  readonly direction: LaneDirection;
}

export interface StationOptions {
  readonly journal: Pick<Journal, "record">;
  readonly clock: Clock;
  readonly policy: () => GatePolicy;
  readonly checkpointId: () => string | null;
  /** As the centre told it last; a machine that never heard of it records. */
  readonly placeState: () => PlaceState;
  /** What can be said here of a place's code. */
  readonly checkPlace: (text: string) => PlaceCheck;
  /** The owner has removed this machine from its place. */
  readonly revoked: () => boolean;
  /** An owner's invitation was scanned: null when this machine asks to be enrolled with it, else why not. */
  readonly onInvitation: (invitation: { centre: string; secret: string }) => Sentence | null;
  readonly duty: () => { state: "signed-in" | "expired" | "none"; staffRef: string | null };
  readonly clockOffset: () => ClockOffset | null;
  /** Version of the notice on the screen, null when nothing shows one. */
  readonly noticeVersion: () => number | null;
  /** A screen is connected. */
  readonly attended: () => boolean;
  /** Whoever is on duty may see people in full here and now. */
  readonly showsInFull: () => boolean;
  /** An entry reached the disk. */
  readonly onRecorded: (entry: Entry) => void;
  /** The screen state or a count changed. */
  readonly onChange: () => void;
  readonly onOutcome: (outcome: ScanOutcome) => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

/** A scan on its way. */
interface Taken {
  readonly scan: RawScan;
  readonly lane: Lane;
  readonly correlationId: string | null;
}

interface Question extends Taken {
  readonly code: Code;
  readonly verdict: Extract<Verdict, { kind: "ask" }>;
}

/** How long each outcome stays on the screen, ms; a newer scan replaces it at once. */
const shownMs = { accepted: 4_000, repeat: 4_000, refused: 6_000, ask: 20_000 } as const;

/**
 * What a scan means and what becomes of it: `RawScan → Code → Verdict → Entry (durable) → screen`. The verdict and the
 * row are made together in the journal's thread, in the order of the scans; nothing here waits for a network, a person
 * or another reader.
 */
export class Station {
  readonly #options: StationOptions;
  #screen: ScreenState = { state: "ready" };
  #question: Question | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: StationOptions) {
    this.#options = options;
  }

  get screen(): ScreenState {
    return this.#screen;
  }

  /**
   * Takes one scan through to its outcome, which is told before this resolves. Never rejects: whatever happens, the next
   * person can scan.
   */
  async take(scan: RawScan, lane: Lane, correlationId: string | null = null): Promise<void> {
    const taken: Taken = { scan, lane, correlationId };
    try {
      if (scan.spoiled !== null || scan.bytes.length > maxRawBytes) {
        return this.#refuse(scan.spoiled === "input-method" ? "input-method" : "spoiled", "unknown", taken);
      }
      const today = new Date(this.#options.clock.wallMs()).toISOString().slice(0, 10);
      const codes = recognise(scan.bytes, { today });
      const invitation = codes.find((code) => code.kind === "tram-invitation");
      if (invitation !== undefined) return this.#invited(invitation.fields, taken);
      if (codes.some((code) => code.kind === "damaged" && code.form === "tram-invitation")) {
        return this.#refuse("truncated", "damaged", taken);
      }
      const checkpoint = this.#options.checkpointId();
      if (checkpoint === null) return this.#refuse("not-set-up", "unknown", taken);
      const stopped = this.#stopped();
      if (stopped !== null) return this.#refuse(stopped, "unknown", taken);
      await this.#record(taken, codes, checkpoint, null);
    } catch (error) {
      this.#fault(error, taken, "unknown");
    }
  }

  /** Staff answered the question on the screen. */
  async answer(scanId: string, accept: boolean): Promise<void> {
    const question = this.#question;
    if (question === null || this.#screen.state !== "ask" || this.#screen.scanId !== scanId) return;
    this.#question = null;
    const { code, verdict } = question;
    if (!accept) return this.#refuse("not-confirmed", code.kind, question);
    const checkpoint = this.#options.checkpointId();
    if (checkpoint === null) return this.#refuse("not-set-up", code.kind, question);
    const stopped = this.#stopped();
    if (stopped !== null) return this.#refuse(stopped, code.kind, question);
    try {
      const marks: EntryMark[] = [...verdict.marks, "confirmed-by-staff"];
      await this.#record(question, [code], checkpoint, { direction: verdict.direction, marks });
    } catch (error) {
      this.#fault(error, question, code.kind);
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

  /**
   * Why nothing new is recorded here. A merged place goes on: its entries are listed where it went, and its gate need not
   * be told.
   */
  #stopped(): RefuseReason | null {
    if (this.#options.revoked()) return "revoked";
    switch (this.#options.placeState()) {
      case "suspended":
        return "place-suspended";
      case "closed":
        return "place-closed";
      case "active":
      case "merged":
        return null;
    }
  }

  /** A place's code records nobody, but the clerk who holds a poster before the reader learns whether it is good. */
  #reasonFor(reason: RefuseReason, code: Code): RefuseReason {
    if (reason !== "place-code" || code.kind !== "tram-place") return reason;
    return `place-code-${this.#options.checkPlace(code.fields.text)}`;
  }

  async #record(
    taken: Taken,
    codes: readonly Code[],
    checkpoint: string,
    confirmed: { direction: Direction; marks: readonly EntryMark[] } | null,
  ): Promise<void> {
    const seen = codes.map((code) => this.#seen(code, taken.lane, checkpoint));
    const answers = await this.#options.journal.record({
      // A copy: what crosses to the other thread is the whole memory behind a view.
      bytes: new Uint8Array(taken.scan.bytes),
      readerId: taken.lane.readerId,
      receivedMonoMs: taken.scan.receivedMonoMs,
      codes: seen,
      policy: this.#options.policy(),
      confirmed,
    });
    for (const [index, code] of codes.entries()) {
      const answer = answers[index];
      if (answer) this.#outcome(taken, code, seen[index]?.draft ?? null, answer);
    }
  }

  #seen(code: Code, lane: Lane, checkpoint: string): SeenCode {
    const { clock, duty } = this.#options;
    const person = personKey(code);
    const { state, staffRef } = duty();
    return {
      sighting: {
        code,
        lane: lane.direction,
        personKnown: person !== null,
        duty: state,
        attended: this.#options.attended(),
        shownInFull: this.#options.attended() && this.#options.showsInFull(),
        nowMs: clock.wallMs(),
      },
      personKey: person,
      draft: person === null || !isRecordable(code) ? null : this.#draft(code, person, lane, checkpoint, staffRef),
    };
  }

  #draft(
    code: RecordableCode,
    person: string,
    lane: Lane,
    checkpoint: string,
    staffRef: string | null,
  ): UndecidedDraft {
    const { clock, clockOffset } = this.#options;
    return {
      bootId: clock.bootId,
      monoMs: clock.monoMs(),
      wallMs: clock.wallMs(),
      clockState: clockStateOf(clockOffset(), clock),
      checkpointId: checkpoint,
      staffRef,
      readerId: lane.readerId,
      readerName: lane.name,
      kind: code.kind,
      personKey: person,
      body: {
        form: code.form,
        fields: plainFields(code.fields),
        warnings: code.warnings,
        repairs: code.repairs,
        noticeVersion: this.#options.noticeVersion(),
      },
    };
  }

  #outcome(taken: Taken, code: Code, draft: UndecidedDraft | null, { verdict, entry }: RecordAnswer): void {
    switch (verdict.kind) {
      case "accept":
        if (entry === null || draft === null) throw new Error("An accepted scan has a row.");
        return this.#accept(taken, code, draft, verdict, entry);
      case "refuse":
        return this.#refuse(this.#reasonFor(verdict.reason, code), code.kind, taken);
      case "ask":
        return this.#ask({ ...taken, code, verdict });
      case "repeat":
        return this.#repeat(verdict, code, taken);
    }
  }

  #accept(
    taken: Taken,
    code: Code,
    draft: UndecidedDraft,
    { direction, marks }: Extract<Verdict, { kind: "accept" }>,
    { seq, id, wallMs }: Recorded,
  ): void {
    const rawB64 = Buffer.from(taken.scan.bytes).toString("base64");
    const entry: Entry = {
      ...draft,
      body: { ...draft.body, rawB64 },
      direction,
      marks,
      seq,
      id,
      wallMs,
      state: "unsent",
      stateAtMs: wallMs,
      attempts: 0,
      lastCode: null,
    };
    this.#options.onRecorded(entry);
    // Only now is green allowed: the row is on the disk.
    this.#show({
      state: "accepted",
      scanId: id,
      direction,
      // What the row says, not what holds by now: it is the record of this look.
      person: shownPerson(code, marks.includes("shown-in-full")),
      atMs: wallMs,
      lane: taken.lane.name,
      // Staff who have just confirmed the card need not be told again to look at it.
      remarks: marks.includes("confirmed-by-staff") ? [] : remarksOf(code),
    });
    this.#tell({ verdict: "accept", kind: code.kind, direction, reason: null, sentence: accepted[direction] }, taken, {
      id,
      seq,
    });
  }

  #ask(question: Question): void {
    const { lane, verdict, code } = question;
    const { title, next } = questions[verdict.reason];
    const { reason, direction } = verdict;
    this.#show({
      state: "ask",
      scanId: randomUUID(),
      lane: lane.name,
      reason,
      direction,
      person: maskedPerson(code),
      title,
      next,
    });
    this.#question = question;
    this.#tell({ verdict: "ask", kind: code.kind, direction, reason, sentence: title }, question);
  }

  #repeat({ reason, direction, sinceMs }: Extract<Verdict, { kind: "repeat" }>, code: Code, taken: Taken): void {
    // A card held before the reader repeats itself twice a second: the answer already on the screen stays.
    if (reason !== "same-scan") {
      this.#show({
        state: "repeat",
        scanId: randomUUID(),
        direction,
        person: maskedPerson(code),
        sinceMs,
        lane: taken.lane.name,
      });
    }
    this.#tell({ verdict: "repeat", kind: code.kind, direction, reason, sentence: repeats[reason] }, taken);
  }

  /** An invitation is neither recorded nor kept: what it says goes to whoever enrols, and nowhere else. */
  #invited(invitation: { centre: string; secret: string }, taken: Taken): void {
    const why = this.#options.onInvitation(invitation);
    if (why === null) {
      this.#ready();
      const told = { verdict: "enrol", kind: "tram-invitation", direction: null, reason: null } as const;
      return this.#tell({ ...told, sentence: enrolmentSentences.taken }, taken);
    }
    const { title } = refusals.invitation;
    this.#show({
      state: "refused",
      scanId: randomUUID(),
      lane: taken.lane.name,
      reason: "invitation",
      title,
      next: why,
    });
    const sentence = { vi: `${title.vi}. ${why.vi}`, en: `${title.en}. ${why.en}` };
    this.#tell({ verdict: "refuse", kind: "tram-invitation", direction: null, reason: "invitation", sentence }, taken);
  }

  #refuse(reason: RefuseReason, kind: string, taken: Taken): void {
    const { title, next } = refusals[reason];
    this.#show({ state: "refused", scanId: randomUUID(), lane: taken.lane.name, reason, title, next });
    const sentence = { vi: `${title.vi}. ${next.vi}`, en: `${title.en}. ${next.en}` };
    this.#tell({ verdict: "refuse", kind, direction: null, reason, sentence }, taken);
  }

  /** Nothing was recorded, as far as anybody knows: said aloud, never silence. */
  #fault(error: unknown, taken: Taken, kind: string): void {
    this.#options.log("station.fault", {
      readerId: taken.lane.readerId,
      bytes: taken.scan.bytes.length,
      code: error instanceof AgentError ? error.code : "unexpected",
      error: error instanceof Error ? error.message : String(error),
    });
    this.#refuse("not-recorded", kind, taken);
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
    told: Pick<ScanOutcome, "verdict" | "kind" | "direction" | "reason" | "sentence">,
    { lane, correlationId }: Taken,
    entry: { id: string; seq: number } | null = null,
  ): void {
    const { verdict, kind, reason } = told;
    this.#options.log("scan", { verdict, kind, reason, readerId: lane.readerId, seq: entry?.seq });
    this.#options.onOutcome({
      event: "scan",
      ...told,
      readerId: lane.readerId,
      entryId: entry?.id ?? null,
      seq: entry?.seq ?? null,
      correlationId,
    });
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
