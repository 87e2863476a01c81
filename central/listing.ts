import type { CountEvent, EntriesPage, ListedEntry } from "../contract/entries.ts";
import type { Role } from "../contract/people.ts";
import type { AccessAction, FullEntriesPage, FullEntry, ViewPurpose } from "../contract/privacy.ts";
import type { Central } from "./context.ts";
import { HttpProblem } from "./http-problem.ts";
import { fullSubject, maskedSubject } from "./masking.ts";
import { listViewOf } from "./policy.ts";
import type { StoredEntry } from "./store/entry-store.ts";

const dayMs = 24 * 3_600_000;
/** Vietnam is at UTC+7 all year. */
const vietnamOffsetMs = 7 * 3_600_000;

/** The start of the running day in Vietnam, ms since the epoch. */
export function startOfDay(now: number): number {
  return Math.floor((now + vietnamOffsetMs) / dayMs) * dayMs - vietnamOffsetMs;
}

/** One line of the list as everybody may see it. */
export function listedEntryOf(entry: StoredEntry): ListedEntry {
  return {
    entry_id: entry.id,
    at: new Date(entry.correctedAt).toISOString(),
    received_at: new Date(entry.receivedAt).toISOString(),
    clock_state: entry.clockState,
    direction: entry.direction,
    source: "scan",
    reader_label: entry.readerLabel,
    subject: { ...maskedSubject(entry.fields), code_kind: entry.kind },
    estimated: false,
    ...(entry.lateBecause === null ? {} : { after_revocation: true }),
    checkpoint_id: entry.checkpointId,
  };
}

/** One line in full, for those `policy.ts` lets see it; {@link noteFullView} comes first. */
export function fullEntryOf(entry: StoredEntry): FullEntry {
  return { ...listedEntryOf(entry), subject: { ...fullSubject(entry.fields), code_kind: entry.kind } };
}

/** Who looks at people in full, and why. */
export interface FullLook {
  readonly personRef: string;
  readonly purpose: ViewPurpose;
}

/** Writes down who is about to see which entries in full. @throws HttpProblem `unavailable`: then show nothing. */
export function noteFullView(
  central: Central,
  action: Extract<AccessAction, "full_view" | "full_stream" | "export">,
  checkpointId: string,
  look: FullLook,
  entries: readonly StoredEntry[],
): Promise<void> {
  return central.accessLog.writeFirst({
    action,
    actor: look.personRef,
    checkpointId,
    objects: entries.map((entry) => entry.id),
    purpose: look.purpose,
  });
}

export interface ListQuery {
  /** The place that was asked for: cursors are bound to it. */
  readonly checkpointId: string;
  /** The places whose entries are listed: this one, those merged into it, those below it. */
  readonly checkpointIds: readonly string[];
  readonly role: Role;
  readonly limit: number;
  readonly direction: "in" | "out" | null;
  readonly after: string | null;
}

/** A page of the list, with the cursor to go on from. @throws HttpProblem `cursor_expired`. */
export async function listPage(
  central: Central,
  query: ListQuery,
  look: FullLook | null,
): Promise<EntriesPage | FullEntriesPage> {
  const { store, clock, cursors } = central;
  const { checkpointId, checkpointIds } = query;
  const position = query.after === null ? null : positionOf(central, checkpointId, query.after);
  // Read before the entries: what arrives in between is shown twice rather than never.
  const end = await store.entries.lastPosition(checkpointIds);
  const entries = await entriesFor(central, query, position);
  const last = entries.at(-1);
  const full = position !== null && listViewOf(query.role).window === null && entries.length === query.limit;
  const page = {
    as_of: new Date(clock.now()).toISOString(),
    cursor: cursors.seal(checkpointId, full && last ? last.position : end),
    inside_now: await store.entries.insideNow(checkpointIds),
  };
  if (look === null) return { ...page, masked: true, items: entries.map(listedEntryOf) };
  await noteFullView(central, "full_view", checkpointId, look, entries);
  return { ...page, masked: false, items: entries.map(fullEntryOf) };
}

/** Where a cursor stands; the empty one stands before everything. @throws HttpProblem `cursor_expired`. */
export function positionOf(central: Central, checkpointId: string, cursor: string): number {
  if (cursor === "") return 0;
  const position = central.cursors.open(checkpointId, cursor);
  if (position === null) throw new HttpProblem("cursor_expired", "Load the list again from its start.");
  return position;
}

/** The entries a role may see: a page after `position` in order of arrival, or the newest first when it is null. */
export async function entriesFor(central: Central, query: ListQuery, position: number | null): Promise<StoredEntry[]> {
  const { store, clock } = central;
  const { checkpointIds, limit } = query;
  const { window } = listViewOf(query.role);
  if (window === null) {
    const selection = { checkpointIds, limit, direction: query.direction ?? undefined };
    return position === null ? store.entries.newest(selection) : store.entries.after(selection, position);
  }
  // Filters apply inside the window, never before it: they must not let a scanner see further back.
  const shown = await store.entries.newest({ checkpointIds, limit: window.entries, since: clock.now() - window.ms });
  const wanted = shown.filter((entry) => query.direction === null || entry.direction === query.direction);
  if (position === null) return wanted.slice(0, limit);
  return wanted.filter((entry) => entry.position > position).sort((left, right) => left.position - right.position);
}

/** Who is inside now, and how many came and went today. */
export async function countsOf(central: Central, checkpointIds: readonly string[]): Promise<CountEvent> {
  const { store, clock } = central;
  const today = await store.entries.countSince(checkpointIds, startOfDay(clock.now()));
  return { inside_now: await store.entries.insideNow(checkpointIds), ...today };
}
