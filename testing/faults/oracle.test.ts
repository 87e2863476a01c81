import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { contentOf, type WireEntry } from "../../contract/entries.ts";
import { Device } from "../central-rig.ts";
import { checkpointId } from "../drafts.ts";
import { mutateProgram } from "./mutated-program.ts";
import type { Evidence } from "./oracle.ts";
import { type Issued, Oracle } from "./oracle.ts";

const device = new Device(checkpointId, Date);

function entryOf(issued: Issued): WireEntry {
  return device.entry({ raw_b64: Buffer.from(issued.payload).toString("base64") });
}

function centreWith(entries: readonly WireEntry[], conflicts: string[] = []): NonNullable<Evidence["centre"]> {
  return { stored: new Map(entries.map((entry) => [entry.id, entry])), conflicts };
}

test("an accepted scan that reached the centre unchanged is no violation", () => {
  const oracle = new Oracle();
  const card = oracle.issue();
  const entry = entryOf(card);
  oracle.hear({ verdict: "accept", entryId: entry.id }, card);
  expect(oracle.judge({ centre: centreWith([entry]), healed: true })).toEqual({ I1: [], I2: [] });
});

test("an accepted scan that is nowhere is a loss, at the centre only after healing", () => {
  const oracle = new Oracle();
  oracle.hear({ verdict: "accept", entryId: "an-id" }, oracle.issue());
  expect(oracle.judge({ centre: centreWith([]) }).I1).toEqual([]);
  expect(oracle.judge({ centre: centreWith([]), healed: true }).I1).toHaveLength(1);
  expect(oracle.judge({ journal: { entries: [], faults: [] } }).I1).toHaveLength(1);
});

test("a row nobody issued, a second row for one card, another card, other bytes and a reused id are each told", () => {
  const oracle = new Oracle();
  const [one, other] = [oracle.issue(), oracle.issue()];
  const judge = (...entries: WireEntry[]) => oracle.judge({ centre: centreWith(entries) }).I2;
  expect(judge(entryOf({ index: 0, payload: "nobody" }))).toHaveLength(1);
  expect(judge(entryOf(one), entryOf(one))).toHaveLength(1);
  const swapped = entryOf(other);
  oracle.hear({ verdict: "accept", entryId: swapped.id }, one);
  expect(judge(swapped)).toHaveLength(1);
  const changed = { ...entryOf(one), wall_ms: 1 };
  expect(createHash("sha256").update(contentOf(changed)).digest("hex")).not.toBe(changed.sha256);
  expect(judge(changed)).toHaveLength(1);
  expect(oracle.judge({ centre: centreWith([], ["an-id"]) }).I2).toHaveLength(1);
});

test("a mutation that does not stand in the build as often as said is an error", () => {
  expect(() => mutateProgram({ text: "no such text in any build", by: "", times: 1 })).toThrow(/has 0 times, not 1/);
});
