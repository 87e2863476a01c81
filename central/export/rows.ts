import type { ListedEntry } from "../../contract/entries.ts";
import type { FullEntry } from "../../contract/privacy.ts";
import type { EntryPeriod, ReadUpTo, StoredEntry } from "../store/entry-store.ts";
import type { Store } from "../store/store.ts";

/** Entries read, written down and sent at once: what bounds the memory of an export. */
const atOnce = 500;
const fewest = 20;

/** The entries of several places as one list by the time of their scan, some hundred at once, oldest first. */
export async function* entriesByTime(
  { entries }: Pick<Store, "entries">,
  checkpointIds: readonly string[],
  period: Omit<EntryPeriod, "checkpointId">,
): AsyncGenerator<StoredEntry[]> {
  const perPlace = Math.max(fewest, Math.floor(atOnce / checkpointIds.length));
  const places = checkpointIds.map((checkpointId) => {
    const place = { waiting: [] as StoredEntry[], at: 0, last: null as ReadUpTo | null, ended: false };
    const refill = async () => {
      if (place.ended || place.at < place.waiting.length) return;
      place.waiting = await entries.made({ ...period, checkpointId }, place.last, perPlace);
      place.at = 0;
      place.last = place.waiting.at(-1) ?? null;
      place.ended = place.waiting.length === 0;
    };
    return { place, refill };
  });
  for (;;) {
    const batch: StoredEntry[] = [];
    while (batch.length < atOnce) {
      let first: (typeof places)[number] | null = null;
      for (const candidate of places) {
        await candidate.refill();
        const entry = candidate.place.waiting[candidate.place.at];
        if (entry && (first === null || comesBefore(entry, first.place.waiting[first.place.at] ?? entry))) {
          first = candidate;
        }
      }
      const entry = first?.place.waiting[first.place.at];
      if (!first || !entry) break;
      batch.push(entry);
      first.place.at += 1;
    }
    if (batch.length === 0) return;
    yield batch;
  }
}

function comesBefore(entry: StoredEntry, other: StoredEntry): boolean {
  const later = entry.correctedAt - other.correctedAt || entry.position - other.position;
  return later < 0;
}

/** One entry of an export, as the caller may see it. */
export interface ExportedEntry {
  readonly entry: ListedEntry | FullEntry;
  /** Name of the place where it was made. */
  readonly place: string;
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly of: (row: ExportedEntry) => string | null;
}

const vietnamOffsetMs = 7 * 3_600_000;

/** `2026-03-02T10:00:00+07:00`: a time of Vietnam as every program reads it. */
export function vietnamIso(utc: string): string {
  return `${new Date(Date.parse(utc) + vietnamOffsetMs).toISOString().slice(0, 19)}+07:00`;
}

/** `02/03/2026 10:00:00`: the same as people of Vietnam write it. */
function vietnamClock(utc: string): string {
  const [date = "", time = ""] = vietnamIso(utc).split("T");
  return `${date.split("-").reverse().join("/")} ${time.slice(0, 8)}`;
}

const clockWords = { synced: "đúng (synced)", drifting: "có thể lệch (drifting)", unknown: "không rõ (unknown)" };

const base: readonly Column[] = [
  { title: "Thời điểm (time)", width: 27, of: ({ entry }) => vietnamIso(entry.at) },
  { title: "Giờ Việt Nam (local time)", width: 22, of: ({ entry }) => vietnamClock(entry.at) },
  { title: "Vào/ra (direction)", width: 12, of: ({ entry }) => (entry.direction === "in" ? "vào (in)" : "ra (out)") },
  { title: "Điểm (place)", width: 30, of: ({ place }) => place },
  { title: "Đầu đọc (reader)", width: 20, of: ({ entry }) => entry.reader_label },
  { title: "Loại mã (code)", width: 14, of: ({ entry }) => entry.subject.code_kind },
];
const masked: readonly Column[] = [
  { title: "Họ tên (name)", width: 28, of: ({ entry }) => entry.subject.name_masked },
  { title: "Số giấy tờ (number)", width: 20, of: ({ entry }) => entry.subject.number_masked },
];
const full: readonly Column[] = [
  { title: "Họ tên (name)", width: 28, of: ({ entry }) => fullOf(entry)?.name ?? null },
  { title: "Số giấy tờ (number)", width: 20, of: ({ entry }) => fullOf(entry)?.number ?? null },
  { title: "Ngày sinh (date of birth)", width: 14, of: ({ entry }) => fullOf(entry)?.date_of_birth ?? null },
  { title: "Giới tính (sex)", width: 10, of: ({ entry }) => fullOf(entry)?.sex ?? null },
  { title: "Địa chỉ (address)", width: 40, of: ({ entry }) => fullOf(entry)?.address ?? null },
  { title: "Điện thoại (phone)", width: 14, of: ({ entry }) => fullOf(entry)?.phone ?? null },
];
const end: readonly Column[] = [
  { title: "Đồng hồ (clock)", width: 20, of: ({ entry }) => clockWords[entry.clock_state] },
  { title: "Nhận lúc (received)", width: 27, of: ({ entry }) => vietnamIso(entry.received_at) },
  { title: "Mã lượt (entry id)", width: 38, of: ({ entry }) => entry.entry_id },
];

function fullOf(entry: ListedEntry | FullEntry): FullEntry["subject"] | null {
  return "name" in entry.subject ? entry.subject : null;
}

/** The columns of a table, in the view it was asked for. */
export function columnsOf(view: "masked" | "full"): readonly Column[] {
  return [...base, ...(view === "full" ? full : masked), ...end];
}

/** Controls, line ends and direction marks of a scanned text would break a table or turn its letters round. */
export function cellText(text: string | null): string {
  return (text ?? "")
    .toWellFormed()
    .normalize("NFC")
    .replace(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .replace(/[\p{Cf}\p{Co}\p{Cn}]/gu, "")
    .trim();
}

/** The last line of a table: without it, the file is a part. */
export function endLine(rows: number): string {
  return `HẾT TỆP (end of file): ${rows} lượt (entries)`;
}
