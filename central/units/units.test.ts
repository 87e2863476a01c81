import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AdminUnit, UnitLevel } from "../../contract/admin-units.ts";
import { maxReplyBytes } from "../../contract/limits.ts";
import { Rig } from "../../testing/central-rig.ts";
import { unitLists } from "./units.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig[Symbol.asyncDispose]());

const units = (query: string, headers: Record<string, string> = {}) =>
  rig.call("GET", `/v1/admin-units${query}`, { headers });
const file = (version: string) => JSON.parse(readFileSync(new URL(`${version}.json`, import.meta.url), "utf8"));

test("the current list has 34 provinces and 3,321 communes, each under a province, with zeros and in NFC", async () => {
  const { body } = await units("");
  expect(body).toMatchObject({ version: "2025-07-01", valid_from: "2025-07-01", source: "Decision 19/2025/QĐ-TTg" });
  const all: AdminUnit[] = body.units;
  const provinces = all.filter(({ level }) => level === "province");
  const communes = all.filter(({ level }) => level === "commune");
  expect([provinces.length, communes.length, all.length]).toEqual([34, 3321, 3355]);
  const codes = new Set(provinces.map(({ code }) => code));
  expect(communes.every(({ parent_code }) => codes.has(parent_code ?? ""))).toBe(true);
  expect(new Set(communes.map(({ code }) => code)).size).toBe(3321);
  expect(all.every(({ name }) => name === name.normalize("NFC") && name === name.trim())).toBe(true);
  expect(all).toContainEqual({ code: "00004", level: "commune", name: "Phường Ba Đình", parent_code: "01" });
  expect(all).toContainEqual({ code: "32248", level: "commune", name: "Xã Đất Mũi", parent_code: "96" });
  expect(provinces.map(({ name }) => name)).toContain("Tỉnh Cà Mau");
});

test("the former list has 63, 705 and 10,599 units; most communes went into one of today", async () => {
  const of = (level: UnitLevel) => unitLists["before-2025-07-01"].select({ level, parent: null });
  const [provinces, districts, communes] = [of("province"), of("district"), of("commune")];
  expect([provinces.length, districts.length, communes.length]).toEqual([63, 705, 10599]);
  expect(communes).toContainEqual(
    expect.objectContaining({ code: "00001", name: "Phường Phúc Xá", parent_code: "001", replaced_by: ["00097"] }),
  );
  expect(provinces.every(({ replaced_by }) => replaced_by?.length === 1)).toBe(true);
  expect(provinces.find(({ name }) => name === "Tỉnh Bình Thuận")?.replaced_by).toEqual(["68"]);
  const today = new Map<string, AdminUnit>(
    (await units("?level=commune")).body.units.map((unit: AdminUnit) => [unit.code, unit]),
  );
  const went = communes.map(({ replaced_by = [] }) => replaced_by);
  expect(went.flat().every((code) => today.has(code))).toBe(true);
  expect(went.filter(({ length }) => length === 1).length).toBeGreaterThan(10_400);
});

test("by level and parent; unknown words are refused; no answer is above what a caller reads", async () => {
  const { body } = await units("?parent=01");
  expect(body.units).toHaveLength(126);
  expect((await units("?version=before-2025-07-01&parent=001")).body.units).toHaveLength(14);
  expect((await units("?parent=99")).body.units).toEqual([]);
  expect((await units("?version=2030-01-01")).body).toMatchObject({ status: 422, errors: [{ pointer: "/version" }] });
  expect((await units("?level=hamlet")).status).toBe(422);
  for (const query of ["", "&level=commune"]) {
    const refused = await units(`?version=before-2025-07-01${query}`);
    expect(refused.body).toMatchObject({ status: 422, errors: [{ pointer: "/parent" }] });
  }
  for (const query of ["", "?version=before-2025-07-01&level=district"]) {
    expect(Buffer.byteLength((await units(query)).text)).toBeLessThan(maxReplyBytes);
  }
});

test("a known ETag is answered with 304, without a body", async () => {
  const first = await units("?level=province");
  const etag = first.headers.get("etag") ?? "";
  expect(first.headers.get("cache-control")).toContain("public");
  const again = await units("?level=province", { "if-none-match": `"other", W/${etag}` });
  expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
  expect((await units("?parent=01", { "if-none-match": etag })).status).toBe(200);
});

test("each file names where it came from, under which licence and in which version", () => {
  for (const version of ["2025-07-01", "before-2025-07-01"]) {
    expect(file(version)).toMatchObject({
      version,
      from: { package: expect.any(String), version: expect.stringMatching(/^\d/), licence: "MIT" },
    });
  }
});

test("kinds of place have names in both languages", async () => {
  const reply = await rig.call("GET", "/v1/checkpoint-kinds");
  expect(reply.body.kinds).toHaveLength(17);
  expect(
    reply.body.kinds
      .filter((kind: { full_view_possible: boolean }) => kind.full_view_possible)
      .map(({ code }: { code: string }) => code),
  ).toEqual(["hospital", "quarantine_post"]);
  const etag = reply.headers.get("etag") ?? "";
  expect((await rig.call("GET", "/v1/checkpoint-kinds", { headers: { "if-none-match": etag } })).status).toBe(304);
});
