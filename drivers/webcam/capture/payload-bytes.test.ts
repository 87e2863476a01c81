import { expect, test } from "vitest";
import { payloadBytes } from "./payload-bytes.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

test("UTF-8 is passed on as it is, whatever the engine makes of it", () => {
  expect(payloadBytes({ bytes: utf8("Nguyễn"), text: "Nguyá»…n", declaresText: true })).toEqual(utf8("Nguyễn"));
});

test("text in a character set that the code declares becomes UTF-8", () => {
  // "Ánh" in ISO 8859-1 with its ECI.
  const bytes = Uint8Array.of(0xc1, 0x6e, 0x68);
  expect(payloadBytes({ bytes, text: "Ánh", declaresText: true })).toEqual(utf8("Ánh"));
});

test("undeclared bytes of another code page are left to the recogniser: the engine would guess Big5", () => {
  const bytes = Uint8Array.of(0xc1, 0x6e, 0x68);
  expect(payloadBytes({ bytes, text: "秎h", declaresText: false })).toEqual(bytes);
});
