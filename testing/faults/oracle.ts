import { createHash } from "node:crypto";
import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";
import { contentOf, type WireEntry } from "../../contract/entries.ts";
import { heldCards } from "../cards-at-gate.ts";
import { until } from "../until.ts";
import type { FaultOutcome, Invariant } from "./fault.ts";
import type { StoredJournal } from "./stored-journal.ts";

/** One invented card, held to the station once; every issue is another person, so that each makes at most one entry. */
export interface Issued {
  readonly index: number;
  readonly payload: string;
}

/** What is looked at after a fault. Leave out what this fault does not judge. */
export interface Evidence {
  /** The journal as it is after the fault: {@link readStoredJournal}. */
  readonly journal?: StoredJournal;
  /** What the centre holds: a scripted centre, or the batches it was sent. */
  readonly centre?: { readonly stored: ReadonlyMap<string, WireEntry>; readonly conflicts: readonly string[] };
  /** The faults have ended and everything was sent: what was accepted must be at the centre. */
  readonly healed?: boolean;
}

const maxToldPerInvariant = 20;

/**
 * Stands outside the fault domain: issues scans, hears what the product said of them, and compares that with the
 * journal and with the centre. An "accept" turns a scan into an obligation.
 *
 *     const oracle = new Oracle();
 *     const card = oracle.issue();          // hold card.payload to the station
 *     oracle.hear(outcome, card);           // each thing said; the card where it is known which one was meant
 *     return { counts, judged: oracle.judge({ journal: readStoredJournal(dataDir), centre, healed: true }) };
 */
export class Oracle {
  readonly #offset: number;
  /** By the bytes, base64. */
  readonly #issued = new Map<string, Issued>();
  /** Entry id of each "accept", with its payload where it is known. */
  readonly #accepted = new Map<string, string | null>();
  readonly #doubtful: string[] = [];

  /** `offset` keeps the people of two oracles of one journal apart. */
  constructor(offset = 0) {
    this.#offset = offset;
  }

  /** The next card: no chance in it, so a run can be repeated. */
  issue(): Issued {
    const index = this.#offset + this.#issued.size + 1;
    const cards = Object.values(heldCards);
    const card = cards[index % cards.length]?.(index);
    if (card === undefined) throw new Error("There are no cards to hold.");
    const issued = { index, payload: card.payload };
    this.#issued.set(base64(card.payload), issued);
    return issued;
  }

  /** Takes a scan that the test made by itself (a hostile payload, another card) as issued. */
  issueThis(payload: string | Uint8Array): Issued {
    const issued = { index: this.#offset + this.#issued.size + 1, payload: Buffer.from(payload).toString("utf8") };
    this.#issued.set(base64(payload), issued);
    return issued;
  }

  /** Something the product said, on a screen, a socket or its standard output; saying it twice changes nothing. */
  hear(outcome: Pick<ScanOutcome, "verdict" | "entryId">, issued?: Issued): void {
    if (outcome.verdict !== "accept") return;
    if (outcome.entryId === null) {
      this.#doubtful.push("an accept without an entry");
      return;
    }
    const known = this.#accepted.get(outcome.entryId) ?? null;
    this.#accepted.set(outcome.entryId, issued?.payload ?? known);
  }

  hearAll(outcomes: Iterable<Pick<ScanOutcome, "verdict" | "entryId">>): void {
    for (const outcome of outcomes) this.hear(outcome);
  }

  get issuedCount(): number {
    return this.#issued.size;
  }

  get acceptedCount(): number {
    return this.#accepted.size;
  }

  /** Ids that were called accepted. */
  get acceptedIds(): ReadonlySet<string> {
    return new Set(this.#accepted.keys());
  }

  /** What is known at this moment; later answers change only the original. */
  snapshot(): Oracle {
    const copy = new Oracle(this.#offset);
    for (const [payload, issued] of this.#issued) copy.#issued.set(payload, issued);
    for (const [id, payload] of this.#accepted) copy.#accepted.set(id, payload);
    copy.#doubtful.push(...this.#doubtful);
    return copy;
  }

  /** Judges I1 and I2 by whatever evidence there is, and I9 by the journal. */
  judge(evidence: Evidence): FaultOutcome["judged"] {
    const { journal, centre, healed = false } = evidence;
    return {
      I1: short([...this.#lostFromJournal(journal), ...(healed ? this.#lostOnTheWay(centre) : [])]),
      I2: short([...this.#doubtful, ...this.#wrongInJournal(journal), ...this.#wrongAtCentre(centre)]),
      ...(journal ? { I9: short(journal.faults) } : {}),
    };
  }

  #lostFromJournal(journal: Evidence["journal"]): string[] {
    if (journal === undefined) return [];
    const held = new Set([...journal.entries.map((entry) => entry.id), ...(journal.erased ?? [])]);
    return [...this.#accepted.keys()]
      .filter((id) => !held.has(id))
      .map((id) => `${id} was accepted and is not recorded`);
  }

  #lostOnTheWay(centre: Evidence["centre"]): string[] {
    if (centre === undefined) return [];
    return [...this.#accepted.keys()]
      .filter((id) => !centre.stored.has(id))
      .map((id) => `${id} was accepted and is not at the centre`);
  }

  #wrongInJournal(journal: Evidence["journal"]): string[] {
    const entries = journal?.entries.map(({ id, body }) => ({ id, rawB64: body.rawB64 })) ?? [];
    return this.#wrong(entries, "recorded");
  }

  #wrongAtCentre(centre: Evidence["centre"]): string[] {
    if (centre === undefined) return [];
    const entries = [...centre.stored.values()];
    return [
      ...this.#wrong(
        entries.map(({ id, raw_b64 }) => ({ id, rawB64: raw_b64 })),
        "at the centre",
      ),
      ...entries
        .filter((entry) => createHash("sha256").update(contentOf(entry), "utf8").digest("hex") !== entry.sha256)
        .map(({ id }) => `${id} does not have the content its hash says`),
      ...centre.conflicts.map((id) => `${id} came again with another content`),
    ];
  }

  /** Every row was issued, byte for byte, once, and is the one it was said to be. */
  /** Whether all that was called accepted is at the centre. */
  allStoredAt(centre: { readonly stored: { has(id: string): boolean } }): boolean {
    return [...this.acceptedIds].every((id) => centre.stored.has(id));
  }

  #wrong(rows: readonly { id: string; rawB64: string }[], where: string): string[] {
    const found: string[] = [];
    const seen = new Map<string, string>();
    for (const { id, rawB64 } of rows) {
      const issued = this.#issued.get(rawB64);
      if (issued === undefined) found.push(`${id} is ${where} and was never issued`);
      const other = seen.get(rawB64);
      if (other !== undefined) found.push(`${other} and ${id} are ${where} for the one card ${issued?.index}`);
      seen.set(rawB64, id);
      const said = this.#accepted.get(id);
      if (typeof said === "string" && base64(said) !== rawB64)
        found.push(`${id} is ${where} with another card than was held`);
    }
    return found;
  }
}

/** {@link until} as a finding: nothing when it came, else the sentence that says what did not. For I4, I5 and I6. */
export async function notInTime(what: string, look: Parameters<typeof until>[1], withinMs?: number): Promise<string[]> {
  try {
    await until(what, look, withinMs);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** Joins what several parts of a fault judged: an invariant judged by any of them is judged. */
export function together(...parts: readonly FaultOutcome["judged"][]): FaultOutcome["judged"] {
  const joined: Partial<Record<Invariant, readonly string[]>> = {};
  for (const part of parts) {
    for (const [name, found] of Object.entries(part) as [Invariant, readonly string[]][]) {
      joined[name] = short([...(joined[name] ?? []), ...found]);
    }
  }
  return joined;
}

function base64(payload: string | Uint8Array): string {
  return Buffer.from(payload).toString("base64");
}

function short(sentences: readonly string[]): string[] {
  if (sentences.length <= maxToldPerInvariant) return [...sentences];
  return [...sentences.slice(0, maxToldPerInvariant), `and ${sentences.length - maxToldPerInvariant} more`];
}
