import { encode, Tag } from "cbor2";
import { zlibSync } from "fflate";
import { describe, expect, test } from "vitest";
import { personKey } from "./person.ts";
import { recognise } from "./recognise.ts";
import { SAMPLES } from "./samples.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Base45 (RFC 9285), written here so that the product's decoder is not tested against its own library. */
function base45(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = at + 1 < bytes.length;
    let value = pair ? (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0) : (bytes[at] ?? 0);
    for (let digit = 0; digit < (pair ? 3 : 2); digit += 1) {
      text += ALPHABET[value % 45];
      value = Math.floor(value / 45);
    }
  }
  return text;
}

const claims = new Map<number, unknown>([
  [1, "VN"],
  [6, Date.UTC(2021, 11, 25) / 1000],
  [4, Date.UTC(2022, 11, 24, 12) / 1000],
  [
    -260,
    new Map([
      [
        1,
        {
          ver: "1.3.0",
          nam: { fn: "Nguyễn", gn: "Văn Mẫu", fnt: "NGUYEN", gnt: "VAN<MAU" },
          dob: "1990-02-01",
          v: [
            { tg: "840539006", co: "VN", is: "Bộ Y tế (mẫu)", ci: "URN:UVCI:01:VN:00000000000000000000000000000001" },
          ],
        },
      ],
    ]),
  ],
]);

const seal = (payload: unknown) =>
  encode(new Tag(18, [new Uint8Array([0xa0]), new Map(), payload, new Uint8Array(256)]));
const pack = (bytes: Uint8Array) => `HC1:${base45(zlibSync(bytes, { level: 9 }))}`;
const read = (text: string) => recognise(new TextEncoder().encode(text), { today: "2025-06-01" });
const valid = pack(seal(encode(claims)));

describe("vaccine certificates are read and never trusted", () => {
  test("name, birth date, issuer, expiry and number come out", () => {
    expect(read(valid)).toEqual([
      {
        kind: "certificate",
        form: "hc1",
        fields: {
          fullName: "Nguyễn Văn Mẫu",
          dateOfBirth: "1990-02-01",
          issuer: "Bộ Y tế (mẫu)",
          expiresOn: "2022-12-24",
          certificateId: "URN:UVCI:01:VN:00000000000000000000000000000001",
          verified: false,
        },
        warnings: ["not-verified", "expired"],
        repairs: [],
      },
    ]);
    expect(recognise(new TextEncoder().encode(valid), { today: "2022-01-01" })[0]?.warnings).toEqual(["not-verified"]);
    for (const code of read(valid)) {
      expect(personKey(code)).toBe("certificate:URN:UVCI:01:VN:00000000000000000000000000000001");
    }
  });

  test("any wrong character shows, since the check sum is computed", () => {
    for (let at = 4; at < valid.length; at += 7) {
      const wrong = valid.slice(0, at) + (valid[at] === "A" ? "B" : "A") + valid.slice(at + 1);
      expect(read(wrong)).toMatchObject([{ kind: "damaged", fields: { reason: "does-not-inflate" } }]);
    }
    expect(read(valid.slice(0, -3))).toMatchObject([{ kind: "damaged" }]);
  });

  test("a prefix, a line end inside, a second card behind it are put right; a case change is not", () => {
    expect(read(`${valid.slice(0, 50)}\r\n${valid.slice(50)}`)).toMatchObject([
      { kind: "certificate", repairs: ["R4"] },
    ]);
    expect(read(`Q${valid}`)).toMatchObject([{ kind: "certificate", repairs: ["R2"] }]);
    expect(read(`${valid} `)).toMatchObject([{ kind: "certificate", repairs: ["R3"] }]);
    expect(read(`]Q1${valid}\r`)).toMatchObject([{ kind: "certificate", repairs: ["R1", "R3"] }]);
    expect(read(valid + valid)).toMatchObject([{ kind: "certificate", repairs: ["R5"] }]);
    expect(read(`${valid}\r\n${SAMPLES.S1}`).map((code) => code.kind)).toEqual(["certificate", "cccd"]);
    expect(read(valid.toLowerCase())).toMatchObject([{ kind: "unknown" }]);
  });

  test("a bomb, deep nesting and foreign contents are damage", () => {
    const wrapped = (depth: number) => new Uint8Array(depth + 1).fill(0x81, 0, depth);
    expect(read(pack(new Uint8Array(5_000_000)))).toMatchObject([{ fields: { reason: "does-not-inflate" } }]);
    for (const bytes of [wrapped(3000), new Uint8Array([0xf6]), encode({ a: 1 }), seal(encode("x")), seal(5)]) {
      expect(read(pack(bytes))).toMatchObject([{ kind: "damaged", fields: { reason: "bad-field" } }]);
    }
  });
});
