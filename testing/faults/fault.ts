import type { Mutation } from "./mutated-program.ts";

/** What must hold through every fault. A positive answer turns a scan into an obligation. */
export const invariants = {
  I1: "no acknowledged loss",
  I2: "no phantom, no change, one row each",
  I3: "no false green",
  I4: "an answer in time",
  I5: "no head-of-line block",
  I6: "recovers alone",
  I7: "no leak",
  I8: "no entry where not allowed",
  I9: "store sound",
  I10: "erased is erased",
} as const;

export type Invariant = keyof typeof invariants;

/** What one run of a fault showed. */
export interface FaultOutcome {
  /**
   * What was done and seen, for the table: cuts, kills, bytes, scans, requests. The first one says how often the fault
   * struck: 0 fails, because a fault that never struck proves nothing.
   */
  readonly counts: Readonly<Record<string, number>>;
  /** One sentence per violation, by invariant; an empty list means judged and held, a missing one not judged. */
  readonly judged: Readonly<Partial<Record<Invariant, readonly string[]>>>;
}

/** `fast` belongs to every commit (seconds), `full` to `npm run test:faults` (minutes). */
export type Effort = "fast" | "full";

/** The same fault against a product with one protection taken out: it must be seen to violate. */
export interface Control {
  /** Which protection is missing, as people would say it. */
  readonly without: string;
  /** At least one of these must be violated, or the fault proves nothing. */
  readonly breaks: readonly Invariant[];
  /** What is changed in the product; empty where the machine or the page is. Every text must fit the product at any time. */
  readonly mutations: readonly Mutation[];
  /** The fault against that product: `program` is the built one with its mutations. */
  readonly run: (program: string, effort: Effort) => Promise<FaultOutcome>;
}

/** One of the numbered faults. */
export interface Fault {
  /** 1 to 25. */
  readonly number: number;
  readonly name: string;
  /** Runs in `npm test` too, with `fast` effort. */
  readonly everyCommit: boolean;
  /** Measures time: no other fault runs beside it. */
  readonly alone?: boolean;
  readonly run: (effort: Effort) => Promise<FaultOutcome>;
  readonly controls: readonly Control[];
}
