import { expect, test } from "vitest";
import { READER_MAKERS } from "./fingerprints.ts";
import { INSTALL_RULES, isRuled, RULES_FILE, udevRules } from "./udev-rules.ts";

const lines = udevRules().split("\n");
const rules = lines.filter((line) => line !== "" && !line.startsWith("#"));

test("every line is a rule as udev writes them, with ids in lower case", () => {
  const pair = String.raw`[A-Z]+(?:\{\w+\})?(?:==|\+=|=)"[^"]*"`;
  const rule = new RegExp(`^${pair}(?:, ${pair})*$`);
  expect(rules.filter((line) => !rule.test(line))).toEqual([]);
  expect(rules.filter((line) => /id(?:Vendor|Product)\}=="(?![0-9a-f]{4}")/.test(line))).toEqual([]);
  expect(new Set(rules).size).toBe(rules.length);
});

test("every maker's readers may be opened in each of their modes, and ModemManager leaves them alone", () => {
  for (const { vendorId } of READER_MAKERS) {
    const vendor = `ATTRS{idVendor}=="${vendorId.toString(16).padStart(4, "0")}"`;
    const own = rules.filter((line) => line.includes(vendor));
    expect(own.map((line) => /GROUP="(\w+)"/.exec(line)?.[1])).toEqual(["plugdev", "dialout", "input"]);
    expect(own.every((line) => line.includes('TAG+="uaccess"') && line.includes('MODE="0660"'))).toBe(true);
    expect(own[1]).toContain('ENV{ID_MM_DEVICE_IGNORE}="1"');
  }
});

test("vendors that make other things too are ruled by product, adapters and relay boards not at all", () => {
  expect(rules.filter((line) => line.includes('"04b4"')).every((line) => line.includes("idProduct"))).toBe(true);
  expect([isRuled(0x0c2e, 0x9999), isRuled(0x04b4, 0xbca1), isRuled(0x04b4, 0x0101)]).toEqual([true, true, false]);
  expect([isRuled(0x1a86, 0x7523), isRuled(0x16c0, 0x05df)]).toEqual([false, false]);
  expect(udevRules()).not.toMatch(/1a86|16c0|0403/);
});

test("the file comes before the one that reads its tags, and the command names it", () => {
  const name = RULES_FILE.split("/").at(-1) ?? "";
  expect(name < "73-seat-late.rules").toBe(true);
  expect(INSTALL_RULES).toContain(`sudo tee ${RULES_FILE}`);
});
