import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprintOf, normaliseUserCode } from "./devices.ts";
import { invitationText, readInvitation } from "./invitation-code.ts";

const secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

test("an invitation reads back in any case, as a reader with a stuck shift key sends it", () => {
  for (const base of [
    "https://qr.example.vn",
    "http://127.0.0.1:7080",
    "http://[::1]:7080",
    "https://qr.example.vn/Tram/a.b",
  ]) {
    const text = invitationText({ base, secret });
    expect(readInvitation(text)).toEqual({ base, secret });
    expect(readInvitation(invitationText({ base: `${base}/`, secret }))).toEqual({ base, secret });
    if (!base.includes("Tram")) {
      expect(text).toMatch(/^[0-9A-Z $%*+\-./:[\]]+$/);
      expect(readInvitation(text.toLowerCase())).toEqual({ base, secret });
    }
  }
});

test("what began as an invitation and is cut, long or has an address that is none is damaged; other texts are none", () => {
  const text = invitationText({ base: "https://qr.example.vn", secret });
  for (let at = 5; at < text.length; at++) expect(readInvitation(text.slice(0, at)), `cut at ${at}`).toBe("damaged");
  for (const bad of [`${text}A`, "TQE1.ftp://x.", `TQE1.https://u:p@h.${secret}`, `TQE1.https://h?x=1.${secret}`]) {
    expect(readInvitation(bad), bad).toBe("damaged");
  }
  for (const other of ["", "TQE2.x", "https://qr.example.vn/TQP/ABC", "079098000001|x"]) {
    expect(readInvitation(other), other).toBeNull();
  }
  fc.assert(
    fc.property(fc.string(), (rest) => {
      readInvitation(rest);
      readInvitation(`TQE1.${rest}`);
    }),
  );
});

test("a user code is read as people type it, and a fingerprint is the first 32 bits of the thumbprint", () => {
  expect(normaliseUserCode(" bcdf ghjk")).toBe("BCDF-GHJK");
  expect(normaliseUserCode("BCDF-GHJK")).toBe("BCDF-GHJK");
  for (const bad of ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "ＢCDF-GHJK"])
    expect(normaliseUserCode(bad)).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const hex = Buffer.from(bytes).toString("hex").slice(0, 8).toUpperCase();
      expect(fingerprintOf(Buffer.from(bytes).toString("base64url"))).toBe(`${hex.slice(0, 4)}-${hex.slice(4)}`);
    }),
  );
});
