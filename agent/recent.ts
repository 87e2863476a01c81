import type { Entry, EntryState } from "./journal/entry.ts";
import { maskedEntry } from "./journal/masked-entry.ts";
import type { MaskedPerson, RecentEntry } from "./kiosk-port/view.ts";

const maxShown = 20;
const shownForMs = 15 * 60_000;

interface Remembered {
  readonly entryId: string;
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly codeKind: string;
  readonly person: MaskedPerson;
  state: EntryState;
}

/** The last entries for the staff panel: masked when remembered, never more than 20, never older than 15 minutes. */
export class Recent {
  #entries: Remembered[] = [];

  add(entry: Entry): void {
    this.#entries.unshift({
      entryId: entry.id,
      atMs: entry.wallMs,
      direction: entry.direction,
      codeKind: entry.kind,
      person: maskedEntry(entry),
      state: entry.state,
    });
    this.#entries.length = Math.min(this.#entries.length, maxShown);
  }

  /** Brings the shown states up to date; `statesOf` reads them from the journal. */
  async refresh(statesOf: (ids: readonly string[]) => Promise<ReadonlyMap<string, EntryState>>): Promise<void> {
    const open = this.#entries.filter((entry) => entry.state === "unsent" || entry.state === "quarantined");
    if (open.length === 0) return;
    const states = await statesOf(open.map((entry) => entry.entryId));
    for (const entry of open) entry.state = states.get(entry.entryId) ?? entry.state;
  }

  list(nowMs: number): RecentEntry[] {
    return this.#entries.filter((entry) => nowMs - entry.atMs < shownForMs).map((entry) => ({ ...entry }));
  }
}
