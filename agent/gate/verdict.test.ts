import { expect, test } from "vitest";
import type { CccdCode, Code, DamagedCode } from "../codes/code.ts";
import { isInside } from "./presence.ts";
import { accepted, questions, refusals, repeats } from "./sentences.ts";
import { decide, defaultGatePolicy, type Sighting } from "./verdict.ts";

const hour = 3_600_000;
const now = Date.UTC(2026, 0, 5, 8);

const card: CccdCode = {
  kind: "cccd",
  form: "2021",
  fields: {
    citizenNumber: "079098000001",
    oldIdNumber: null,
    fullName: "Nguyễn Văn A",
    dateOfBirth: "1998-01-01",
    sex: "male",
    address: null,
    issuedOn: "2022-01-01",
    extra: [],
  },
  warnings: [],
  repairs: [],
};

const sighting = (change: Partial<Sighting> = {}): Sighting => ({
  code: card,
  sameScan: false,
  lane: "auto",
  presence: null,
  personKnown: true,
  duty: "signed-in",
  attended: true,
  shownInFull: false,
  nowMs: now,
  ...change,
});

const inside = (agoMs: number) => ({ inside: true, sinceMs: now - agoMs, lastSeenMs: now - agoMs });
const outside = (agoMs: number) => ({ inside: false, sinceMs: now - agoMs, lastSeenMs: now - agoMs });
const verdict = (change: Partial<Sighting>) => decide(sighting(change), defaultGatePolicy);

test("an automatic lane lets a stranger in, then out, then in again", () => {
  expect(verdict({})).toMatchObject({ kind: "accept", direction: "in" });
  expect(verdict({ presence: inside(hour) })).toMatchObject({ kind: "accept", direction: "out" });
  expect(verdict({ presence: outside(hour) })).toMatchObject({ kind: "accept", direction: "in" });
});

test("a card still before the reader is one scan, whatever the lane", () => {
  for (const lane of ["in", "out", "auto"] as const) {
    expect(verdict({ lane, sameScan: true, presence: inside(1000) })).toMatchObject({
      kind: "repeat",
      reason: "same-scan",
    });
  }
});

test("a second scan while inside is a repeat and says since when", () => {
  expect(verdict({ lane: "in", presence: inside(hour) })).toEqual({
    kind: "repeat",
    reason: "already-inside",
    direction: "in",
    sinceMs: now - hour,
  });
});

test("who forgot to scan out yesterday is recorded as coming in today", () => {
  expect(verdict({ lane: "in", presence: inside(13 * hour) })).toMatchObject({ kind: "accept", direction: "in" });
  expect(verdict({ lane: "auto", presence: inside(13 * hour) })).toMatchObject({ kind: "accept", direction: "in" });
  expect(isInside(inside(11 * hour), now, 12 * hour)).toBe(true);
});

test("a clock set back does not turn somebody inside into a stranger", () => {
  expect(isInside(inside(-5 * hour), now, 12 * hour)).toBe(true);
});

test("leaving twice within minutes is one exit; hours later it is an exit whose entry was missed", () => {
  expect(verdict({ lane: "out", presence: outside(60_000) })).toMatchObject({
    kind: "repeat",
    reason: "already-outside",
  });
  expect(verdict({ lane: "out", presence: outside(hour) })).toMatchObject({ kind: "accept", direction: "out" });
  expect(verdict({ lane: "out", presence: null })).toMatchObject({ kind: "accept", direction: "out" });
});

test("nobody signed in: recorded with a mark, or refused where the place says so", () => {
  expect(verdict({ duty: "none" })).toEqual({ kind: "accept", direction: "in", marks: ["no-duty"] });
  expect(verdict({ duty: "expired" })).toEqual({ kind: "accept", direction: "in", marks: ["duty-expired"] });
  const strict = { ...defaultGatePolicy, recordWithoutDuty: false };
  expect(decide(sighting({ duty: "none" }), strict)).toEqual({ kind: "refuse", reason: "sign-in-required" });
  expect(decide(sighting({ duty: "signed-in" }), strict)).toMatchObject({ kind: "accept" });
});

test("a card that contradicts itself is looked at; at an unattended gate it is recorded with a mark, never lost", () => {
  const code: Code = { ...card, warnings: ["sex-mismatch"] };
  expect(verdict({ code })).toMatchObject({ kind: "ask", reason: "inconsistent-card", direction: "in" });
  expect(verdict({ code, attended: false })).toEqual({ kind: "accept", direction: "in", marks: ["inconsistent-card"] });
});

test("a bare number is asked about and never taken where nobody can answer", () => {
  const number: Code = {
    kind: "number",
    form: "citizen",
    fields: { value: "079098000001" },
    warnings: [],
    repairs: [],
  };
  expect(verdict({ code: number })).toMatchObject({ kind: "ask", reason: "number-only" });
  expect(verdict({ code: number, attended: false })).toEqual({ kind: "refuse", reason: "not-confirmed" });
});

test("places, old declarations, foreign and damaged codes are refused, each with its own reason", () => {
  const plain = { warnings: [], repairs: [] } as const;
  const place: Code = { kind: "place", form: "khambenh.gov.vn", fields: { id: "x", url: "https://x" }, ...plain };
  const declaration: Code = { ...place, kind: "declaration" };
  const unknown: Code = { kind: "unknown", form: null, fields: {}, ...plain };
  const damaged = (reason: DamagedCode["fields"]["reason"]): Code => ({
    kind: "damaged",
    form: "cccd",
    fields: { reason },
    ...plain,
  });
  expect(verdict({ code: place })).toEqual({ kind: "refuse", reason: "place-code" });
  expect(verdict({ code: declaration })).toEqual({ kind: "refuse", reason: "old-declaration" });
  expect(verdict({ code: unknown })).toEqual({ kind: "refuse", reason: "unknown-code" });
  expect(verdict({ code: damaged("truncated") })).toEqual({ kind: "refuse", reason: "truncated" });
  expect(verdict({ code: damaged("input-method") })).toEqual({ kind: "refuse", reason: "input-method" });
  expect(verdict({ personKnown: false })).toEqual({ kind: "refuse", reason: "no-person" });
});

test("a refusal is decided before anything else, so a held place code stays refused", () => {
  const place: Code = { kind: "place", form: "x", fields: { id: null, url: "https://x" }, warnings: [], repairs: [] };
  expect(verdict({ code: place, sameScan: true })).toEqual({ kind: "refuse", reason: "place-code" });
});

test("every sentence a clerk may see is there in Vietnamese and English", () => {
  const notices = [...Object.values(refusals), ...Object.values(questions)].flatMap(({ title, next }) => [title, next]);
  for (const { vi, en } of [...notices, ...Object.values(repeats), ...Object.values(accepted)]) {
    expect(vi.length).toBeGreaterThan(5);
    expect(en.length).toBeGreaterThan(5);
    expect(vi).toBe(vi.normalize("NFC"));
  }
});
