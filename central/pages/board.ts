import { signal } from "@preact/signals";
import { foldedText } from "../../contract/written-text.ts";
import { record, text, whole } from "./api.ts";

/** One line as the page shows it. */
export interface Line {
  readonly id: string;
  readonly at: string;
  readonly receivedAt: string;
  readonly direction: "in" | "out";
  readonly name: string;
  readonly number: string;
  readonly kind: string;
  readonly reader: string;
  readonly clockUnsure: boolean;
  readonly afterRevocation: boolean;
  readonly estimated: boolean;
  readonly placeId: string;
  /** Only in the full view. */
  readonly birth: string;
}

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "polling" }
  | { readonly kind: "offline"; readonly since: number }
  | { readonly kind: "no-rights" }
  | { readonly kind: "masked-only"; readonly reason: string };

const mostLines = 200;

export const lines = signal<readonly Line[]>([]);
export const insideNow = signal<number | null>(null);
/** Null while only the list is known: it does not tell the day's totals. */
export const today = signal<{ readonly in: number; readonly out: number } | null>(null);
export const connection = signal<Connection>({ kind: "connecting" });

/** An entry of the list or the stream as a line, or null when it is none we understand. */
export function lineOf(value: unknown): Line | null {
  const entry = record(value);
  const subject = record(entry.subject);
  const direction = entry.direction;
  const id = text(entry.entry_id);
  if (id === "" || (direction !== "in" && direction !== "out")) return null;
  return {
    id,
    direction,
    at: text(entry.at),
    receivedAt: text(entry.received_at),
    name: text(subject.name ?? subject.name_masked),
    number: text(subject.number ?? subject.number_masked),
    birth: text(subject.date_of_birth),
    kind: text(subject.code_kind),
    reader: text(entry.reader_label),
    clockUnsure: entry.clock_state === "unknown",
    afterRevocation: entry.after_revocation === true,
    estimated: entry.estimated === true,
    placeId: text(entry.checkpoint_id),
  };
}

/** Adds lines in their place by time; one that is already shown is not shown twice. */
export function addLines(added: readonly Line[]): void {
  const byId = new Map([...lines.value, ...added].map((line) => [line.id, line]));
  lines.value = [...byId.values()].sort((left, right) => right.at.localeCompare(left.at)).slice(0, mostLines);
}

/** Takes a list reply over; gives the cursor to go on from. */
export function takeList(reply: unknown): string {
  const page = record(reply);
  const items = Array.isArray(page.items) ? page.items : [];
  lines.value = [];
  addLines(items.map(lineOf).filter((line) => line !== null));
  insideNow.value = whole(page.inside_now);
  return text(page.cursor);
}

export function takeCount(value: unknown): void {
  const count = record(value);
  insideNow.value = whole(count.inside_now);
  today.value = { in: whole(count.in), out: whole(count.out) };
}

/** Those of the shown lines that a person looks for; words may stand anywhere, marks and case do not count. */
export function filtered(all: readonly Line[], direction: "" | "in" | "out", query: string): readonly Line[] {
  const words = foldedText(query).split(" ").filter(Boolean);
  return all.filter(
    (line) =>
      (direction === "" || line.direction === direction) &&
      words.every((word) => foldedText(`${line.name} ${line.number} ${line.reader}`).includes(word)),
  );
}

export function clearBoard(): void {
  lines.value = [];
  insideNow.value = null;
  today.value = null;
  connection.value = { kind: "connecting" };
}
