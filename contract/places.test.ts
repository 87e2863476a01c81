import { expect, test } from "vitest";
import { checkpoint, checkpointKinds, fullViewKinds, newCheckpoint, usualNotice } from "./places.ts";
import { foldedText, writtenText } from "./written-text.ts";

const letters =
  "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ AÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬEÈÉẺẼẸÊỀẾỂỄỆIÌÍỈĨỊOÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢUÙÚỦŨỤƯỪỨỬỮỰYỲÝỶỸỴĐ";

test("every Vietnamese letter is kept, composed or not; folded only the bare letters are left", () => {
  expect(writtenText(letters.normalize("NFD"))).toBe(letters);
  expect(foldedText(letters)).toMatch(/^[a-z ]+$/);
  expect(foldedText("Quán  Phở “HÀ NỘI”, số 5/2")).toBe("quan pho ha noi so 5 2");
});

test("direction marks, controls and zero-width signs go; emoji with their joiners, markup and formulas stay as text", () => {
  expect(writtenText("Cổng\u202e gnổC\u0000\t\r\nB\u200b\ufeff\u2066!")).toBe("Cổng gnổC B!");
  for (const text of ["Trạm 👩‍⚕️ 🇻🇳", "<img src=x onerror=alert(1)>", '=HYPERLINK("http://a")', "O'Hara & “Con”"]) {
    expect(writtenText(text)).toBe(text);
  }
  expect(writtenText("nửa \ud83d chữ")).toBe("nửa chữ");
});

test("a name is measured after it was made plain", () => {
  const name = (text: string) => newCheckpoint.shape.name.safeParse(text).success;
  expect(name("ệ".repeat(120).normalize("NFD"))).toBe(true);
  expect(name("ệ".repeat(121))).toBe(false);
  expect(name("\u202e \u200b\n")).toBe(false);
});

test("a place as an earlier centre tells it has the usual values of what it leaves out", () => {
  const known = checkpoint.parse({
    id: "01900000-0000-7000-8000-000000000001",
    name: "Cổng",
    kind: "spaceport",
    kind_status: "declared",
    address: { units_version: "2025-07-01", province_code: "01", commune_code: "00004", line: "" },
    policy: { record_when_expired: true, rescan_s: 3 },
    role: "scanner",
  });
  expect(known).toMatchObject({
    kind: "other",
    state: "active",
    version: 1,
    policy: { late_scans: "hold", full_view: false },
    notice: usualNotice,
  });
  expect(fullViewKinds.map((kind) => checkpointKinds[kind].en)).toEqual(["Hospital or clinic", "Quarantine post"]);
});
