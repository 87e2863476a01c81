import { createSecretKey, randomBytes, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WireEntry } from "../../contract/entries.ts";
import { Device } from "../../testing/central-rig.ts";
import { checkpointId } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { makeOwner, type TestOwner } from "../../testing/owner.ts";
import { CarryFile, type CarryManifest, newCarryId, receiptKeyOf, writeCarryFile } from "./carry-file.ts";
import { type ReceiptItem, readReceipt, receiptLines } from "./receipt.ts";

let folder: ReturnType<typeof temporaryFolder>;
let owner: TestOwner;
let stranger: TestOwner;
const device = new Device(checkpointId, { now: () => 1_772_420_400_000 });
const manifest: CarryManifest = {
  version: 1,
  deviceId: device.id,
  checkpointId,
  made: { bootId: device.bootId, monoMs: 5, wallMs: 6 },
  clockOffsetMs: 7,
  receiptKey: randomBytes(32).toString("base64"),
};
beforeAll(async () => {
  folder = temporaryFolder();
  owner = await makeOwner(folder.path);
  stranger = await makeOwner(folder.path, "stranger");
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

function written(entries: Iterable<WireEntry>, name = "one.carry"): string {
  const file = path.join(folder.path, name);
  writeCarryFile(file, newCarryId(), owner.publicKey, manifest, entries);
  return file;
}

const people = (count: number): WireEntry[] => Array.from({ length: count }, () => device.entry());

test("what was written is read back in batches that a centre takes, byte for byte, and nothing of it stands in clear", () => {
  const entries = people(450);
  const file = written(entries);
  using carried = new CarryFile(file, owner.privateKey);
  expect(carried.manifest).toEqual(manifest);
  const batches = [...carried.batches()];
  expect(batches.map((batch) => batch.length)).toEqual([200, 200, 50]);
  expect(JSON.stringify(batches.flat())).toBe(JSON.stringify(entries));
  const bytes = readFileSync(file);
  for (const secret of ["079099000001", "Nguyễn", manifest.receiptKey, entries[0]?.id ?? ""]) {
    expect(bytes.includes(Buffer.from(secret, "utf8")), secret).toBe(false);
  }
  expect(readdirSync(folder.path).filter((name) => name.endsWith(".part"))).toEqual([]);
});

test("big entries make more batches, none above what the centre takes", () => {
  const big = Array.from({ length: 60 }, () => device.entry({ fields: { text: "x".repeat(20_000) } }));
  using carried = new CarryFile(written(big), owner.privateKey);
  const sizes = [...carried.batches()].map((batch) => Buffer.byteLength(JSON.stringify(batch)));
  expect(sizes.length).toBe(3);
  expect(Math.max(...sizes)).toBeLessThan(512 * 1024);
});

test("a file that was cut or of which any byte is another is refused before anything is sent", () => {
  const bytes = readFileSync(written(people(3)));
  const spoilt = path.join(folder.path, "spoilt.carry");
  const refused = (content: Uint8Array): void => {
    writeFileSync(spoilt, content);
    expect(() => new CarryFile(spoilt, owner.privateKey)).toThrow(/^The carry file .*\.$/);
  };
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const other = Buffer.from(bytes);
      other[at] = (other[at] ?? 0) ^ change;
      refused(other);
    }),
    { numRuns: 150 },
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), (length) => refused(bytes.subarray(0, length))),
    { numRuns: 100 },
  );
  refused(Buffer.concat([bytes, Buffer.from("x")]));
  refused(Buffer.alloc(0));
});

test("parts of two files do not make one, and parts do not change places", () => {
  const frames = (file: string): { head: Buffer; parts: Buffer[] } => {
    const bytes = readFileSync(file);
    let at = bytes.indexOf(10, bytes.indexOf(10) + 1) + 1;
    const head = bytes.subarray(0, at);
    const parts: Buffer[] = [];
    while (at < bytes.length) {
      const next = at + 5 + bytes.readUInt32BE(at + 1);
      parts.push(bytes.subarray(at, next));
      at = next;
    }
    return { head, parts };
  };
  const one = frames(written(people(600)));
  const two = frames(written(people(600)));
  const file = path.join(folder.path, "mixed.carry");
  const [m, a, b, c, e] = one.parts as [Buffer, Buffer, Buffer, Buffer, Buffer];
  for (const parts of [
    [m, b, a, c, e],
    [m, a, b, e],
    [m, a, a, b, c, e],
    [m, a, two.parts[2] as Buffer, c, e],
    [m, a, b, c],
  ]) {
    writeFileSync(file, Buffer.concat([one.head, ...parts]));
    expect(() => new CarryFile(file, owner.privateKey)).toThrow(/damaged or not whole/);
  }
  writeFileSync(file, Buffer.concat([one.head, ...one.parts]));
  new CarryFile(file, owner.privateKey)[Symbol.dispose]();
});

test("another owner's key is named, with the one it needs", () => {
  expect(() => new CarryFile(written(people(1)), stranger.privateKey)).toThrow(
    `made for the owner key ${owner.publicKey.fingerprint}, not for ${stranger.publicKey.fingerprint}`,
  );
});

test("when writing fails nothing is left that looks like a file", () => {
  const file = path.join(folder.path, "half.carry");
  const entries = function* (): Generator<WireEntry> {
    yield device.entry();
    throw Object.assign(new Error("gone"), { code: "EIO" });
  };
  expect(() => writeCarryFile(file, newCarryId(), owner.publicKey, manifest, entries())).toThrow(
    /could not be written \(the stick was removed/,
  );
  expect(existsSync(file)).toBe(false);
  expect(existsSync(`${file}.part`)).toBe(false);
});

const station = createSecretKey(randomBytes(32));
const items: ReceiptItem[] = Array.from({ length: 300 }, (_, index) =>
  index % 3 === 2
    ? { id: randomUUID(), status: "rejected", code: "validation" }
    : { id: randomUUID(), status: index % 3 === 0 ? "stored" : "duplicate" },
);
const keyOf = (id: string): Uint8Array => receiptKeyOf(station, id);

function receipt(change: (text: string) => string | Uint8Array = (text) => text): string {
  const carry = newCarryId();
  const file = path.join(folder.path, "a.receipt");
  writeFileSync(file, change([...receiptLines({ carry, device: device.id }, items, keyOf(carry))].join("")));
  return file;
}

test("a receipt gives exactly what was answered", () => {
  expect([...readReceipt(receipt(), device.id, keyOf)]).toEqual(items);
});

test("a receipt that is forged, foreign, cut or damaged names nobody", () => {
  const nobody = (file: string, deviceId = device.id, key = keyOf): void => {
    const named: ReceiptItem[] = [];
    expect(() => {
      for (const item of readReceipt(file, deviceId, key)) named.push(item);
    }).toThrow(/^The receipt .*nothing was changed.*\.$/);
    expect(named).toEqual([]);
  };
  nobody(receipt(), randomUUID());
  nobody(receipt(), device.id, () => randomBytes(32));
  nobody(receipt((text) => text.replace('"stored"', '"duplicate"')));
  nobody(receipt((text) => text.replace(/^\[.*\n/m, "")));
  nobody(receipt((text) => `${text}["${randomUUID()}","stored"]\n`));
  // The last character of the tag in base64 has bits that mean nothing.
  const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const other = (last: string): string => base64[base64.indexOf(last) ^ 1] ?? "";
  nobody(receipt((text) => text.replace(/.(?=="\}\n$)/, other)));
  const length = readFileSync(receipt()).length;
  fc.assert(
    fc.property(fc.nat(length - 1), (cutAt) => nobody(receipt((text) => Buffer.from(text).subarray(0, cutAt)))),
    { numRuns: 100 },
  );
  fc.assert(
    fc.property(fc.nat(length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      nobody(
        receipt((text) => {
          const bytes = Buffer.from(text);
          bytes[at] = (bytes[at] ?? 0) ^ change;
          return bytes;
        }),
      );
    }),
    { numRuns: 150 },
  );
});

test("a link that lies on the stick under the file's name aside is not followed", () => {
  const victim = path.join(folder.path, "victim");
  writeFileSync(victim, "as it was");
  symlinkSync(victim, path.join(folder.path, "linked.carry.part"));
  using carried = new CarryFile(written(people(1), "linked.carry"), owner.privateKey);
  expect([...carried.batches()].flat()).toHaveLength(1);
  expect(readFileSync(victim, "utf8")).toBe("as it was");
});

test("a stick that goes bad in the middle is not told as if nothing had been sent", () => {
  const file = written(people(450), "goes-bad.carry");
  using carried = new CarryFile(file, owner.privateKey);
  const batches = carried.batches();
  expect(batches.next().value).toHaveLength(200);
  truncateSync(file, 2000);
  expect(() => [...batches]).toThrow(/^(?!.*nothing of it was sent).*what was answered stands on the receipt.*\.$/);
});
