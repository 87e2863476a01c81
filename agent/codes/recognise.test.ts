import { describe, expect, test } from "vitest";
import { placeCodeText, placeMessage } from "../../contract/signed-code.ts";
import type { Code } from "./code.ts";
import { recognise, warmUp } from "./recognise.ts";
import { SAMPLES } from "./samples.ts";

const today = "2025-06-01";
const read = (text: string): readonly Code[] => recognise(new TextEncoder().encode(text), { today });
const one = (text: string): Code => {
  const codes = read(text);
  expect(codes).toHaveLength(1);
  return codes[0] as Code;
};
const reason = (text: string) => {
  const code = one(text);
  return code.kind === "damaged" ? `${code.form}: ${code.fields.reason}` : code.kind;
};
const clean = { warnings: [], repairs: [] };

describe("the invented samples read to their exact fields", () => {
  test("S1, an ID card of 2021 with an old number", () => {
    expect(one(SAMPLES.S1)).toEqual({
      kind: "cccd",
      form: "2021",
      fields: {
        citizenNumber: "079098000001",
        oldIdNumber: "024123456",
        fullName: "NGUYỄN VĂN A",
        dateOfBirth: "1998-01-01",
        sex: "male",
        address: "Số 1 Đường ABC, Phường 1, Quận 1, TP. Hồ Chí Minh",
        issuedOn: "2022-01-01",
        extra: [],
      },
      ...clean,
    });
  });

  test("S2, a blank old number shifts nothing", () => {
    expect(one(SAMPLES.S2)).toEqual({
      kind: "cccd",
      form: "2021",
      fields: {
        citizenNumber: "034301000012",
        oldIdNumber: null,
        fullName: "Nguyễn Thị Mẫu",
        dateOfBirth: "2001-02-05",
        sex: "female",
        address: "Thôn Thử, Xã Mẫu, Huyện Mẫu, Thái Bình",
        issuedOn: "2021-03-03",
        extra: [],
      },
      ...clean,
    });
  });

  test("S3, the 2024 tail is kept raw", () => {
    expect(one(SAMPLES.S3)).toEqual({
      kind: "cccd",
      form: "2024",
      fields: {
        citizenNumber: "093188000014",
        oldIdNumber: "360000000",
        fullName: "Trần Thị Mẫu",
        dateOfBirth: "1988-03-06",
        sex: "female",
        address: "1 Đường Thử, Kv0, Phường Mẫu, Quận Mẫu, Cần Thơ",
        issuedOn: "2024-09-02",
        extra: ["", "", "", ""],
      },
      ...clean,
    });
  });

  test("S4, an insurance card of 2016 with letters in its code", () => {
    expect(one(SAMPLES.S4)).toEqual({
      kind: "bhyt",
      form: "15",
      fields: {
        cardCode: "DN479GA70000007",
        fullName: "Trần Thị Mẫu",
        dateOfBirth: "1990-03-05",
        sex: "female",
        address: "1/1 Đường Thử, P3, Q5",
        facility: "79 - 012",
        validFrom: "2016-10-01",
        validTo: "2016-12-31",
        issuedOn: "2016-10-05",
        managementCode: "791900000000",
        parentName: null,
        livingArea: "4",
        fiveYearsFrom: null,
        checkString: "00000000000a6f01-0101",
        benefitLevel: null,
        issuePlace: null,
      },
      warnings: ["expired"],
      repairs: [],
    });
  });

  test("S5, an insurance card of 2018 without an end date", () => {
    expect(one(SAMPLES.S5)).toEqual({
      kind: "bhyt",
      form: "15",
      fields: {
        cardCode: "DN4790100000002",
        fullName: "Phan Văn Thử",
        dateOfBirth: "1992-06-03",
        sex: "male",
        address: "1 Đường Thử, Phường 03, Quận Gò Vấp, Thành phố Hồ Chí Minh",
        facility: "79 - 426",
        validFrom: "2018-11-01",
        validTo: null,
        issuedOn: "2018-11-05",
        managementCode: "79070100000002",
        parentName: null,
        livingArea: "4",
        fiveYearsFrom: "2022-12-01",
        checkString: "6f000000000000b-7102",
        benefitLevel: null,
        issuePlace: null,
      },
      ...clean,
    });
  });

  test("S6, seventeen fields and a leading space in a date", () => {
    expect(one(SAMPLES.S6)).toEqual({
      kind: "bhyt",
      form: "17",
      fields: {
        cardCode: "0100000004",
        fullName: "Hoàng Xuân Thử",
        dateOfBirth: "1982-08-06",
        sex: "male",
        address: "Cty CP Thử",
        facility: "79 - 034",
        validFrom: "2021-03-01",
        validTo: null,
        issuedOn: "2021-03-05",
        managementCode: "79020100000004",
        parentName: null,
        livingArea: "4",
        fiveYearsFrom: "2015-01-01",
        checkString: "150000000000007f-7102",
        benefitLevel: "4",
        issuePlace: "Quận 12, Thành phố Hồ Chí Minh",
      },
      ...clean,
    });
  });

  test("S7, a personal QR is not an ID card though it starts with twelve digits", () => {
    expect(one(SAMPLES.S7)).toEqual({
      kind: "personal",
      form: "1405",
      fields: {
        documentNumber: "001093000017",
        fullName: "NGUYEN VAN MAU",
        dateOfBirth: "1987-02-05",
        declaredBy: "self",
        qid: "162900000000000001",
        declarerQid: null,
        sex: "male",
        insuranceNumber: "GD4790100000002",
        phone: "0900000000",
      },
      ...clean,
    });
  });

  test("S8, S9 and S10: place, declaration, and a certificate that does not inflate", () => {
    expect(one(SAMPLES.S8)).toEqual({
      kind: "place",
      form: "kbyt.khambenh.gov.vn",
      fields: { id: "00000000-0000-4000-8000-000000000001", url: SAMPLES.S8 },
      ...clean,
    });
    expect(one(SAMPLES.S9)).toEqual({
      kind: "declaration",
      form: "kbyt.khambenh.gov.vn",
      fields: { id: "00000000-0000-4000-8000-000000000000", url: SAMPLES.S9 },
      ...clean,
    });
    expect(one(SAMPLES.S10)).toEqual({
      kind: "damaged",
      form: "certificate",
      fields: { reason: "does-not-inflate" },
      ...clean,
    });
  });
});

describe("ID cards: what is damage and what is a card to look at", () => {
  const card = (change: Record<number, string>) =>
    SAMPLES.S1.split("|")
      .map((field, at) => change[at] ?? field)
      .join("|");

  test("impossible dates, numbers and fields are damage", () => {
    expect(reason(card({ 3: "31022000" }))).toBe("cccd: impossible-date");
    expect(reason(card({ 3: "29021998" }))).toBe("cccd: impossible-date");
    expect(reason(card({ 3: "29021900" }))).toBe("cccd: impossible-date");
    expect(one(card({ 0: "079096000001", 3: "29021996" })).kind).toBe("cccd");
    expect(reason(card({ 6: "00132022" }))).toBe("cccd: impossible-date");
    expect(reason(card({ 6: "31121997" }))).toBe("cccd: impossible-date");
    expect(reason(card({ 0: "079498000001" }))).toBe("cccd: impossible-number");
    expect(reason(card({ 1: "02412345" }))).toBe("cccd: bad-field");
    expect(reason(card({ 4: "Nan" }))).toBe("cccd: bad-field");
    expect(reason(card({ 2: "" }))).toBe("cccd: bad-field");
  });

  test("birth year or sex against the number only warn", () => {
    expect(one(card({ 3: "01011997" }))).toMatchObject({ kind: "cccd", warnings: ["birth-year-mismatch"] });
    expect(one(card({ 4: "Nữ" }))).toMatchObject({ kind: "cccd", warnings: ["sex-mismatch"] });
  });

  test("unlisted places, early or future issue dates, filled and extra fields only warn", () => {
    expect(one(card({ 0: "503098000001" })).warnings).toEqual(["unlisted-place-code"]);
    expect(one(card({ 6: "31122020" })).warnings).toEqual(["issue-date-out-of-range"]);
    expect(one(card({ 6: "02062025" })).warnings).toEqual(["issue-date-out-of-range"]);
    expect(one(`${SAMPLES.S1}|079098000009|A|B|`)).toMatchObject({ form: "2024", warnings: ["extra-fields"] });
    expect(one(`${SAMPLES.S1}||`)).toMatchObject({ form: "other", warnings: ["unusual-field-count"] });
  });

  test("a card cut short, without its start or without a field is said to be so", () => {
    expect(reason(SAMPLES.S1.slice(0, -1))).toBe("cccd: truncated");
    expect(reason(SAMPLES.S1.slice(0, 40))).toBe("cccd: truncated");
    expect(reason(SAMPLES.S1.slice(0, 20))).toBe("cccd: truncated");
    expect(reason(SAMPLES.S1.slice(1))).toBe("cccd: lost-start");
    expect(reason(SAMPLES.S1.slice(15))).toBe("cccd: lost-start");
    expect(reason("079098000001|NGUYỄN VĂN A|01011998|Nam|Số 1|01012022")).toBe("cccd: bad-field");
  });

  test("letters lost on the way leave the numbers usable (R14)", () => {
    const lost = one("034301000012||Nguy?n Th? M?u|05022001|N?|Th?n Th?|03032021");
    expect(lost).toMatchObject({
      kind: "cccd",
      warnings: ["letters-lost"],
      fields: { citizenNumber: "034301000012", sex: "female", fullName: "Nguy?n Th? M?u", issuedOn: "2021-03-03" },
    });
    expect(one("034301000012||Nguyen Thi Mau|05022001|Nu|Thon Thu|03032021")).toMatchObject({
      kind: "cccd",
      warnings: ["letters-lost"],
    });
    expect(one("034201000012||Nguyen Thi Mau|05022001|Nu|Thon Thu|03032021")).toMatchObject({
      fields: { sex: null },
      warnings: ["sex-mismatch", "letters-lost"],
    });
  });

  test("letters that were dropped without a trace are missed: no card with a whole address has none (R14)", () => {
    const dropped = "079098000001|024123456|NGUYN VN A|01011998|Nam|S 1 ng ABC, Phng 1, Qun 1, TP. H Ch Minh|01012022";
    const reduced = "079098000001||NGUYEN VAN A|01011998|Nam|So 1 Duong ABC, Phuong 1, Quan 1|01012022";
    expect(one(dropped)).toMatchObject({ kind: "cccd", warnings: ["no-vietnamese-letters"], repairs: [] });
    expect(one(reduced)).toMatchObject({ kind: "cccd", warnings: ["no-vietnamese-letters"] });
    // One letter that arrived shows that letters arrive, and little text may have none.
    expect(one(card({ 2: "PHAN NAM ANH", 5: "Ia Chim, Kon Tum, Kon Tum, Quảng Ngãi" }))).toMatchObject(clean);
    expect(one(card({ 2: "MAI LAN", 5: "Gia Lai" }))).toMatchObject(clean);
    expect(one(card({ 2: "PHAN NGOC MAI LAN ANH", 5: "" }))).toMatchObject(clean);
    // The numbers are as certain as ever, so a repair is.
    expect(one(dropped.replaceAll("|", "~"))).toMatchObject({ kind: "cccd", repairs: ["R11"] });
  });

  test("bytes that are no UTF-8 become a card with letters lost, not an exception", () => {
    const bytes = new TextEncoder().encode(SAMPLES.S2);
    bytes[bytes.indexOf(0xe1)] = 0xff;
    expect(recognise(bytes, { today })).toMatchObject([{ kind: "cccd", warnings: ["letters-lost"] }]);
  });

  test("all upper case is harmless (R15)", () => {
    expect(one(SAMPLES.S2.toUpperCase())).toMatchObject({ kind: "cccd", ...clean, fields: { sex: "female" } });
  });
});

describe("insurance cards: each field stands for itself", () => {
  const card = (change: Record<number, string>) =>
    SAMPLES.S5.split("|")
      .map((field, at) => change[at] ?? field)
      .join("|");

  test("no end marker is a truncated card, never an ID card", () => {
    expect(reason(SAMPLES.S5.slice(0, -1))).toBe("bhyt: truncated");
    expect(reason(SAMPLES.S6.slice(0, 200))).toBe("bhyt: truncated");
    expect(reason(SAMPLES.S5.slice(0, 30))).toBe("bhyt: truncated");
  });

  test("an input method's damage costs the name and nothing else", () => {
    expect(one(card({ 1: "5068616e2056c4836e205468ê1bbad" }))).toMatchObject({
      kind: "bhyt",
      fields: { cardCode: "DN4790100000002", fullName: null, dateOfBirth: "1992-06-03" },
      warnings: ["name-unreadable", "input-method"],
    });
    expect(one(card({ 4: "3120c490c6b0e1bb9d6e6" })).warnings).toEqual(["address-unreadable", "input-method"]);
    expect(one(card({ 1: "50e280ae68616e" })).warnings).toEqual(["name-unreadable"]);
    expect(one(card({ 1: "e4b8ade69687" })).warnings).toEqual(["name-unreadable"]);
    expect(one(card({ 1: "5068616e2056c4836e205468e1bb" })).warnings).toEqual(["name-unreadable"]);
  });

  test("UTF-16LE hex, a plain parent name, `#` and a short card are accepted with a note", () => {
    expect(one(card({ 1: "4c00ea002000500068006900" }))).toMatchObject({
      fields: { fullName: "Lê Phi" },
      warnings: ["text-utf16"],
    });
    expect(one(card({ 10: "Tr?n V?n M?u" }))).toMatchObject({
      fields: { parentName: "Tr?n V?n M?u" },
      warnings: ["parent-name-unreadable"],
    });
    expect(one(card({ 10: "4cc3aa" })).fields).toMatchObject({ parentName: "Lê" });
    expect(one(card({ 14: "#" })).warnings).toEqual(["end-marker-hash"]);
    expect(one(`${SAMPLES.S5.split("|").slice(0, 9).join("|")}|$`)).toMatchObject({
      form: "short",
      fields: { managementCode: null },
      warnings: ["short-form"],
    });
  });

  test("management code, lists and facility warn; dates and birth shapes are hard", () => {
    expect(one(card({ 9: "79070100000003" })).warnings).toEqual(["management-code-mismatch"]);
    expect(one(card({ 9: "01070100000002" })).warnings).toEqual(["management-province-mismatch"]);
    expect(one(card({ 0: "ZZ4790100000002" })).warnings).toEqual(["unlisted-object-code"]);
    expect(one(card({ 0: "DN4990100000002" })).warnings).toContain("unlisted-province");
    expect(one(card({ 5: "79426x" })).warnings).toEqual(["facility-unreadable"]);
    expect(reason(card({ 2: "31/02/1992" }))).toBe("bhyt: impossible-date");
    expect(reason(card({ 6: "31/04/2018" }))).toBe("bhyt: impossible-date");
    expect(one(card({ 2: "1992" })).fields).toMatchObject({ dateOfBirth: "1992" });
  });
});

describe("personal QR, numbers and URLs", () => {
  test("masked characters stay stars and digits are never invented", () => {
    expect(one("******017|NGUYEN VAN MAU|1987-**-**|1|162900000000000001|2<<0912345678")).toMatchObject({
      kind: "personal",
      fields: {
        documentNumber: "******017",
        dateOfBirth: "1987-**-**",
        declaredBy: "other",
        sex: "female",
        insuranceNumber: null,
        phone: "0912345678",
      },
    });
  });

  test("a personal QR with an impossible date, or cut short, is damaged", () => {
    expect(reason(SAMPLES.S7.replace("1987-02-05", "1987-02-30"))).toBe("personal: impossible-date");
    expect(reason("001093000017|NGUYEN VAN MAU|1987-02-05|0|1629")).toBe("personal: truncated");
  });

  test("bare numbers by their length", () => {
    expect(one("079098000001")).toMatchObject({ kind: "number", form: "citizen", warnings: [] });
    expect(one("024123456")).toMatchObject({ kind: "number", form: "old-id" });
    expect(one("DN4790100000002")).toMatchObject({ kind: "number", form: "bhyt" });
    expect(one("0100000004")).toMatchObject({ form: "social-insurance", warnings: ["ambiguous-number"] });
    expect(one("3-7992739871")).toMatchObject({ form: "paper-label", fields: { value: "3-7992739871" } });
    expect(one("4-7992739871").kind).toBe("unknown");
    expect(reason("079998000001")).toBe("cccd: impossible-number");
  });

  test("only hosts of the table are places or declarations", () => {
    expect(one("HTTPS://QR.TOKHAIYTE.VN/abc")).toMatchObject({ kind: "place", form: "qr.tokhaiyte.vn" });
    expect(one("https://kbytcq.khambenh.gov.vn/x?id=AB-12")).toMatchObject({
      kind: "declaration",
      fields: { id: "AB-12" },
    });
    for (const url of [
      "https://eviltokhaiyte.vn/",
      "https://tokhaiyte.vn.example/",
      "https://tokhaiyte.vn@example.com/",
      "https://example.com/?u=tokhaiyte.vn",
      "https://",
    ]) {
      expect(one(url).kind).toBe("unknown");
    }
  });

  test("anything else is unknown, however long", () => {
    for (const text of ["", " ", "|", "a|b|c", "$", "x".repeat(100_000)]) expect(one(text).kind).toBe("unknown");
  });

  test("warming up changes no answer", () => {
    const before = read(SAMPLES.S1);
    warmUp();
    expect(read(SAMPLES.S1)).toEqual(before);
  });
});

test("a place code of our own is a place, cut short it is damaged, and neither is a person", () => {
  const message = placeMessage({
    kid: "00ab12ff",
    checkpointId: "01900000-0000-7000-8000-000000000001",
    issuedOn: "2026-11-21",
    number: 3,
  });
  const text = placeCodeText("https://qr.example.vn", message, new Uint8Array(64).fill(7));
  const encoder = new TextEncoder();
  const [whole] = recognise(encoder.encode(text), { today: "2026-11-21" });
  expect(whole).toMatchObject({
    kind: "tram-place",
    form: "2",
    fields: { id: "01900000-0000-7000-8000-000000000001", issuedOn: "2026-11-21", kid: "00ab12ff", number: 3, text },
    warnings: ["not-verified"],
  });
  const [cut] = recognise(encoder.encode(text.slice(0, -9)), { today: "2026-11-21" });
  expect(cut).toMatchObject({ kind: "damaged", form: "tram-place", fields: { reason: "truncated" } });
});
