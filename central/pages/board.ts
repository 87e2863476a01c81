import { signal } from "@preact/signals";
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
}

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "polling" }
  | { readonly kind: "offline"; readonly since: number }
  | { readonly kind: "no-rights" };

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
    name: text(subject.name_masked),
    number: text(subject.number_masked),
    kind: text(subject.code_kind),
    reader: text(entry.reader_label),
    clockUnsure: entry.clock_state === "unknown",
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

export function clearBoard(): void {
  lines.value = [];
  insideNow.value = null;
  today.value = null;
  connection.value = { kind: "connecting" };
}
