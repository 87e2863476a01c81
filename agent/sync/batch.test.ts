import { expect, test } from "vitest";
import { maxEntryBytes, maxRawBytes } from "../../contract/limits.ts";
import { draft } from "../../testing/drafts.ts";
import { recognise } from "../codes/recognise.ts";
import { toWire } from "./batch.ts";

test.each([
  ["a card whose address fills the payload", "Ấ"],
  ["a card whose address must be escaped in JSON", '"'],
])("whatever a gate accepts fits the centre's limit: %s", (_, letter) => {
  const head = "079098000001|024123456|NGUYỄN VĂN A|01011998|Nam|";
  const tail = "|01012022";
  const room = maxRawBytes - Buffer.byteLength(head + tail);
  const payload = Buffer.from(head + letter.repeat(Math.floor(room / Buffer.byteLength(letter))) + tail);
  const [code] = recognise(payload, { today: "2026-01-05" });
  expect(code).toMatchObject({ kind: "cccd" });
  const { extra: _extra, ...fields } = (code as { fields: Record<string, string | string[]> }).fields;
  const made = draft(1, {
    readerId: "x".repeat(200),
    readerName: "Ấ".repeat(120),
    body: { ...draft(1).body, rawB64: payload.toString("base64"), fields },
  });
  const { personKey: _key, ...entry } = made;
  const wire = toWire({ ...entry, seq: 1, id: "id", state: "unsent", stateAtMs: 0, attempts: 0, lastCode: null });
  expect(Buffer.byteLength(JSON.stringify(wire))).toBeLessThan(maxEntryBytes);
});
