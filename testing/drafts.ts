import { createSecretKey, randomBytes } from "node:crypto";
import { defaultGatePolicy } from "../agent/gate/verdict.ts";
import type { EntryDraft } from "../agent/journal/entry.ts";
import type { Journal } from "../agent/journal/journal.ts";
import type { Recorded, RecordRequest } from "../agent/journal/recorder.ts";
import type { StationKeys } from "../provisioning/secrets.ts";

export const checkpointId = "01900000-0000-7000-8000-000000000001";

/** An entry of an invented person; `index` makes it another person. */
export function draft(index = 1, change: Partial<EntryDraft> = {}): EntryDraft {
  const number = `079098${String(index).padStart(6, "0")}`;
  const payload = `${number}||Nguyễn Văn Mẫu|01011998|Nam|Số 1, Đường Mẫu|01012022`;
  return {
    bootId: "boot-1",
    monoMs: 1_000_000 + index,
    wallMs: Date.UTC(2026, 0, 5, 8) + index * 1000,
    clockState: "synced",
    checkpointId,
    staffRef: "staff-1",
    readerId: "serial:/dev/ttyACM0",
    readerName: "Gate 1",
    kind: "cccd",
    direction: "in",
    marks: [],
    personKey: `citizen:${number}`,
    body: {
      rawB64: Buffer.from(payload, "utf8").toString("base64"),
      form: "2021",
      fields: { citizenNumber: number, fullName: "Nguyễn Văn Mẫu", extra: [] },
      warnings: [],
      repairs: [],
      noticeVersion: null,
    },
    ...change,
  };
}

/** The scan that leads to exactly this entry: staff have confirmed it. */
export function requestOf(entry: EntryDraft): Omit<RecordRequest, "answerBeforeMs"> {
  const { direction, marks, body, ...rest } = entry;
  const { rawB64, ...seen } = body;
  return {
    bytes: new Uint8Array(Buffer.from(rawB64, "base64")),
    readerId: entry.readerId,
    receivedMonoMs: entry.monoMs,
    codes: [
      {
        sighting: {
          code: { kind: entry.kind } as never,
          lane: direction,
          personKnown: true,
          duty: "signed-in",
          attended: true,
          shownInFull: false,
          nowMs: entry.wallMs,
        },
        personKey: entry.personKey,
        draft: { ...rest, body: seen },
      },
    ],
    policy: defaultGatePolicy,
    confirmed: { direction, marks },
  };
}

/** Puts this entry into the journal. */
export async function record(journal: Journal, entry: EntryDraft): Promise<Recorded> {
  const [answer] = await journal.record(requestOf(entry));
  if (!answer?.entry) throw new Error("A confirmed scan is recorded.");
  return answer.entry;
}

export function randomKeys(owner: StationKeys["owner"] = null): StationKeys {
  const key = () => createSecretKey(randomBytes(32));
  const fingerprint = randomBytes(8).toString("hex");
  return { fingerprint, rows: key(), wraps: key(), persons: key(), duty: key(), receipts: key(), device: key(), owner };
}
