import { describe, expect, test } from "vitest";
import { CallProblem } from "./api.ts";
import { filtered, type Line } from "./board.ts";
import { healthOf } from "./device-health.ts";
import { en } from "./i18n/en.ts";
import { dayIn, endOfDay, span, startOfDay } from "./i18n/time.ts";
import { vi as vietnamese } from "./i18n/vi.ts";
import { codeIn } from "./otp-text.ts";
import { carriedOver, changeOf, emptyDraft, newPlaceOf } from "./place-draft.ts";
import { type PlaceNode, placeTree } from "./place-tree.ts";
import { fieldText, problemText } from "./problem-text.ts";
import { placePath, routeOf } from "./route.ts";
import { districtsIn, findUnits, formerIndexOf, indexOf } from "./units.ts";
import type { AdminUnit, OwnedDevice, Place } from "./wire.ts";

const id = "0f8fad5b-d9cb-469f-a165-70867728950e";

test("the code is found in what is typed or pasted", () => {
  expect(codeIn("123456")).toBe("123456");
  expect(codeIn("123 456")).toBe("123456");
  expect(codeIn("Tram QR: 654321 la ma dang nhap, dung trong 5 phut.\n@qr.example.vn #654321")).toBe("654321");
  expect(codeIn("số 0912345678 nhận mã 222333")).toBe("222333");
  expect(codeIn("12a3")).toBe("123");
  expect(codeIn("1234567890")).toBe("123456");
});

test("an address names a page by ids only; anything else names none", () => {
  expect(routeOf("#/")).toEqual({ page: "places" });
  expect(routeOf(placePath(id, "staff"))).toEqual({ page: "place", id, section: "staff" });
  expect(routeOf(placePath(id))).toEqual({ page: "place", id, section: "overview" });
  expect(routeOf("#/enrol/BCDF-GHJK")).toEqual({ page: "enrol", userCode: "BCDF-GHJK" });
  expect(routeOf(`#/register/${id}`)).toEqual({ page: "register", parentId: id });
  for (const wrong of ["#/place/1", `#/place/${id}/secrets`, `#/place/${id}/staff/x`, "#/x", "#/live/x"]) {
    expect(routeOf(wrong), wrong).toEqual({ page: "unknown" });
  }
  expect(routeOf("#/enrol/<img src=x>")).toEqual({ page: "enrol", userCode: "" });
});

describe("units", () => {
  const unit = (code: string, level: AdminUnit["level"], name: string, parent_code: string | null): AdminUnit => ({
    code,
    level,
    name,
    parent_code,
  });
  const today = [
    unit("52", "province", "Tỉnh Gia Lai", null),
    unit("01", "province", "Thành phố Hà Nội", null),
    unit("21553", "commune", "Phường Quy Nhơn Đông", "52"),
    unit("21583", "commune", "Phường Quy Nhơn", "52"),
    unit("00070", "commune", "Phường Hoàn Kiếm", "01"),
    unit("00008", "commune", "Phường Ngọc Hà", "01"),
  ];
  const index = indexOf(today);
  const names = (query: string) => findUnits(index, query).map(({ name }) => name);

  test("are found without marks, in any order of words, the closest name first", () => {
    expect(names("quy nhon")).toEqual(["Phường Quy Nhơn", "Phường Quy Nhơn Đông"]);
    expect(names("gia lai quy nhon dong")).toEqual(["Phường Quy Nhơn Đông"]);
    expect(names("HOÀN kiếm")).toEqual(["Phường Hoàn Kiếm"]);
    expect(names("q")).toEqual([]);
    expect(names("sài gòn")).toEqual([]);
  });

  test("of before lead to what they became, each divided one to all", () => {
    const former = formerIndexOf(
      [
        unit("35", "province", "Tỉnh Bình Định", null),
        unit("540", "district", "Thành phố Quy Nhơn", "35"),
        { ...unit("21550", "commune", "Phường Đống Đa", "540"), replaced_by: ["21583", "21553"] },
        { ...unit("21551", "commune", "Phường Không Biết", "540"), replaced_by: [] },
      ],
      today,
    );
    const found = findUnits(former, "dong da binh dinh");
    expect(found.map(({ communeCode }) => communeCode)).toEqual(["21583", "21553"]);
    expect(found[0]).toMatchObject({
      provinceCode: "52",
      former: "Phường Đống Đa, Thành phố Quy Nhơn, Tỉnh Bình Định",
    });
    expect(findUnits(former, "khong biet")).toEqual([]);
  });

  test("of before are looked for in the districts the query names", () => {
    const former = [
      unit("35", "province", "Tỉnh Bình Định", null),
      unit("540", "district", "Thành phố Quy Nhơn", "35"),
      unit("006", "district", "Quận Đống Đa", "01"),
      unit("760", "district", "Quận 1", "79"),
    ];
    const named = (query: string) => districtsIn(former, query).map(({ code }) => code);
    expect(named("phường đống đa thành phố quy nhơn")).toEqual(["540", "006"]);
    expect(named("ben nghe quan 1")).toEqual(["760"]);
    expect(named("thanh pho")).toEqual([]);
  });
});

describe("a place's draft", () => {
  const unit = {
    communeCode: "21583",
    provinceCode: "52",
    name: "Phường Quy Nhơn",
    provinceName: "Gia Lai",
    former: null,
  };
  const before = { ...emptyDraft, name: "Quán Thử", kind: "restaurant", phone: "0900000001", unit, line: "1 Phố Thử" };

  test("sends its differences only", () => {
    expect(changeOf(before, before, false)).toEqual({});
    expect(changeOf(before, { ...before, name: "Quán Mới" }, false)).toEqual({ name: "Quán Mới" });
    expect(changeOf(before, { ...before, line: "2 Phố Thử" }, false)).toEqual({
      address: { province_code: "52", commune_code: "21583", line: "2 Phố Thử" },
    });
    expect(changeOf(before, { ...before, lateScans: "refuse" }, false)).toEqual({ policy: { late_scans: "refuse" } });
    expect(changeOf(before, { ...before, inherits: true }, true)).toEqual({ address: null, retention_days: null });
    expect(changeOf(before, { ...before, retention: "ba mươi" }, false)).toEqual({ retention_days: -1 });
  });

  test("registers a part with the parent's address left out", () => {
    const part = { ...before, inherits: true, partType: "lane", partLabel: "Cổng 1" };
    const sent = newPlaceOf(part, id, id, false);
    expect(sent).toMatchObject({ parent_id: id, part: { type: "lane", label: "Cổng 1" } });
    expect(sent).not.toHaveProperty("address");
    expect(sent).not.toHaveProperty("notice");
    expect(newPlaceOf(before, id, null, true)).toMatchObject({ confirm: true, retention_days: 30 });
  });

  test("is carried over what somebody else saved meanwhile; only what both changed is disputed", () => {
    const mine = { ...before, name: "Quán Của Tôi", line: "5 Phố Thử" };
    const theirs = { ...before, name: "Quán Của Họ", phone: "0900000009" };
    const over = carriedOver(before, mine, theirs);
    expect(over.disputed).toEqual(["name"]);
    expect(over.draft).toMatchObject({ name: "Quán Của Tôi", phone: "0900000009", line: "5 Phố Thử" });
    expect(carriedOver(before, mine, { ...theirs, name: "Quán Của Tôi" }).disputed).toEqual([]);
  });
});

test("a refusal is shown at the field that names it closest", () => {
  const problem = new CallProblem("validation", {
    errors: [
      { pointer: "/address/commune_code", code: "unknown_unit" },
      { pointer: "/address/line", code: "too_big" },
    ],
  });
  const known = ["/name", "/address", "/address/line"];
  expect(fieldText(problem, "/address", known, vietnamese)).toBe(vietnamese.faults.unknown_unit);
  expect(fieldText(problem, "/address/line", known, vietnamese)).toBe(vietnamese.faults["/address/line"]);
  expect(fieldText(problem, "/name", known, vietnamese)).toBeNull();
  expect(fieldText(null, "/name", known, vietnamese)).toBeNull();
});

test("every refusal has a sentence, with its figures", () => {
  expect(problemText(new CallProblem("locked", { retryAfterS: 130 }), vietnamese)).toContain("2 phút");
  expect(problemText(new CallProblem("wrong_code", { attemptsLeft: 3 }), en)).toContain("3");
  expect(problemText(new CallProblem("never_heard_of"), en)).toBe(en.problems.other);
  expect(problemText(new CallProblem("masked_only", { reason: "stale_sign_in" }), en)).toContain("12 hours");
});

test("days are days of Vietnam", () => {
  expect(startOfDay("2026-03-02")).toBe("2026-03-01T17:00:00.000Z");
  expect(startOfDay("2026-03-02", 1)).toBe("2026-03-02T17:00:00.000Z");
  expect(endOfDay("2026-03-02")).toBe("2026-03-02T16:59:59.000Z");
  expect(dayIn("2026-03-01T18:00:00Z")).toBe("2026-03-02");
  expect(startOfDay("30/2")).toBeNull();
  expect(span(45, vietnamese)).toBe("45 giây");
  expect(span(7200, en)).toBe("2 h");
});

test("parts stand under their place, what is closed comes last, and a cycle ends nothing", () => {
  const place = (name: string, own: string, parent: string | null, state: Place["state"] = "active") =>
    ({ id: own, name, parent_id: parent, state }) as Place;
  const shape = (nodes: readonly PlaceNode[]): unknown => nodes.map((node) => [node.place.name, shape(node.parts)]);
  expect(
    shape(
      placeTree([
        place("Tầng 2", "t2", "b"),
        place("Đóng", "x", null, "closed"),
        place("Bệnh viện", "b", null),
        place("Tầng 1", "t1", "b"),
        place("Phần của người khác", "o", "not-mine"),
      ]),
    ),
  ).toEqual([
    [
      "Bệnh viện",
      [
        ["Tầng 1", []],
        ["Tầng 2", []],
      ],
    ],
    ["Phần của người khác", []],
    ["Đóng", []],
  ]);
});

test("lines are filtered by direction and by words without marks", () => {
  const line = (name: string, direction: "in" | "out"): Line => ({
    id: name,
    at: "",
    receivedAt: "",
    direction,
    name,
    number: "079•••••0001",
    kind: "cccd",
    reader: "Cổng Đông",
    clockUnsure: false,
    afterRevocation: false,
    estimated: false,
    placeId: "",
    birth: "",
  });
  const all = [line("N••• Mẫu", "in"), line("T••• Thử", "out")];
  expect(filtered(all, "in", "")).toHaveLength(1);
  expect(filtered(all, "", "cong dong thu")).toEqual([all[1]]);
  expect(filtered(all, "out", "mau")).toEqual([]);
});

describe("a machine's health", () => {
  const well: OwnedDevice = {
    device_id: id,
    name: "Quầy 1",
    checkpoint_id: id,
    state: "enrolled",
    model: "Mini PC",
    os: "Debian 13",
    key_fingerprint: "3F2A-91CC",
    enrolled_at: "2026-03-02T03:00:00Z",
    revoked_at: null,
    last_contact: "2026-03-02T03:00:00Z",
    silent_for_s: null,
    unsent: 3,
    oldest_unsent_s: 20,
    quarantined: 0,
    id_conflicts: 0,
    journal_state: "sound",
    disk_free_bytes: 40e9,
    app_version: "0.1.0",
    version_current: true,
    clock_offset_ms: 120,
    clock_state: "synced",
    key_backend: "file",
    owner_key: null,
    readers: [{ id: "r1", name: "Cổng 1", kind: "serial", state: "ready" }],
    settings: { camera: null },
    version: 1,
  };
  const said = (changes: Partial<OwnedDevice>) => healthOf({ ...well, ...changes }, en).map(({ text }) => text);

  test.each<[Partial<OwnedDevice>, string]>([
    [{}, "Works well"],
    [{ last_contact: null }, "Has not told"],
    [{ unsent: null, readers: [] }, "Has not told"],
    [{ silent_for_s: 7200 }, "No contact for 2 h"],
    [{ journal_state: "reading-only" }, "CANNOT record"],
    [{ quarantined: 4 }, "4 scans were refused"],
    [{ id_conflicts: 1 }, "doubled ids"],
    [{ oldest_unsent_s: 3600, unsent: 12 }, "12 scans wait"],
    [{ disk_free_bytes: 2e8 }, "200 MB left"],
    [{ clock_offset_ms: -86_400_000 }, "off by 24 h"],
    [{ clock_state: "unknown" }, "clock may be wrong"],
    [{ version_current: false }, "needs an update"],
    [{ readers: [] }, "No reader"],
    [{ readers: [{ id: "r", name: "Cổng 2", kind: "serial", state: "fault" }] }, "Reader Cổng 2 has a fault"],
    [{ state: "revoked", revoked_at: "2026-03-02T03:00:00Z" }, "Revoked at 02/03/2026 10:00"],
  ])("%j is said as: %s", (changes, text) => {
    expect(said(changes).join()).toContain(text);
  });

  test("the worst comes first", () => {
    expect(healthOf({ ...well, disk_free_bytes: 1e8, journal_state: "reading-only" }, en)[0]?.grade).toBe("alert");
  });
});

test("both languages have the same sentences and the same figures in them", () => {
  const flat = (value: unknown, path: string): [string, string][] =>
    typeof value === "string"
      ? [
          [
            path,
            [...value.matchAll(/\{\w+\}/g)]
              .map(([name]) => name)
              .sort()
              .join(),
          ],
        ]
      : Object.entries(value as object).flatMap(([key, each]) => flat(each, `${path}/${key}`));
  expect(flat(en, "")).toEqual(flat(vietnamese, ""));
});
