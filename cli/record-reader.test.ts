import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openReader } from "../drivers/open-reader.ts";
import { parseReaderSpec } from "../drivers/reader-spec.ts";
import { collect } from "../testing/hid-pos-plug.ts";
import { createPtyDevice } from "../testing/pty.ts";
import { readerToRecord, recordReader } from "./record-reader.ts";

const CARD = "079098000001|024123456|Nguyễn Thị Hồng Đào|01021990|Nữ|Xã Cổ Lũy, Hà Nội|01022021";
const UNENDED = "012345678901";
let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "record-"));
});
afterAll(() => rm(directory, { recursive: true }));

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 5 });
/** The shape of a text: what a mask must keep. */
const shape = (text: string): string =>
  text
    .replace(/\p{Lu}/gu, "A")
    .replace(/\p{Ll}/gu, "a")
    .replace(/\d/g, "9");

/** Scans the card twice and an unended code once on a pseudo-terminal, and gives the finished file. */
async function record(name: string, raw: boolean): Promise<string> {
  const file = join(directory, name);
  await using device = await createPtyDevice();
  const stop = new AbortController();
  const said: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
  try {
    const spec = parseReaderSpec(`serial:${device.path}`);
    const recorded = recordReader({ spec, file, raw, json: true, stopped: stop.signal });
    await until(() => expect(said.join("")).toContain('"event":"recording"'));
    await device.write(UNENDED);
    await until(() => expect(said.join("")).toContain('"scan":1'));
    await device.writeInPieces(`]Q1${CARD}\r`, 17, 3);
    await device.write(`]Q1${CARD}\r`);
    await until(() => expect(said.join("")).toContain('"scan":3'));
    stop.abort();
    await recorded;
  } finally {
    write.mockRestore();
  }
  expect(said.join("")).not.toContain("079098000001");
  return file;
}

async function replay(file: string): Promise<{ aim: string | null; text: string }[]> {
  await using reader = await openReader(parseReaderSpec(`simulated:${file}`));
  const { scans, texts } = collect(reader);
  await until(() => expect(scans).toHaveLength(3));
  return texts().map((text, index) => ({ aim: scans[index]?.aim ?? null, text }));
}

test("a recording replays as scans of the same shape, and holds nothing of what was scanned", async () => {
  const file = await record("masked.rec", false);
  const content = await readFile(file, "utf8");
  const bytes = Buffer.from([...content.matchAll(/^@bytes (.*)$/gm)].map((match) => match[1]).join(""), "hex");
  for (const secret of ["079098000001", "Nguyễn", "Hồng Đào", "Cổ Lũy", UNENDED]) {
    expect(bytes.includes(secret)).toBe(false);
  }
  const scans = await replay(file);
  expect(scans.map(({ aim, text }) => [aim, shape(text), Buffer.byteLength(text)])).toEqual(
    [UNENDED, CARD, CARD].map((text, index) => [index === 0 ? null : "]Q1", shape(text), Buffer.byteLength(text)]),
  );
  // The same card is the same twice; in another recording it is somebody else.
  expect(scans[1]?.text).toBe(scans[2]?.text);
  const [, other] = await replay(await record("again.rec", false));
  expect(other?.text).not.toBe(scans[1]?.text);
});

test("a raw recording replays byte for byte, and only its owner may read it", async () => {
  const file = await record("raw.rec", true);
  const scans = await replay(file);
  expect(scans).toEqual([
    { aim: null, text: UNENDED },
    { aim: "]Q1", text: CARD },
    { aim: "]Q1", text: CARD },
  ]);
  if (process.platform !== "win32") expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test("a reader that cannot be opened leaves no file, and a file that is there is not written over", async () => {
  const file = join(directory, "none.rec");
  const options = { file, raw: false, json: true, stopped: new AbortController().signal };
  const spec = parseReaderSpec(`serial:${directory}/nobody`);
  await expect(recordReader({ ...options, spec })).rejects.toMatchObject({ code: "reader.not-found" });
  await expect(stat(file)).rejects.toMatchObject({ code: "ENOENT" });
  await writeFile(file, "kept");
  await expect(recordReader({ ...options, spec })).rejects.toThrow("is there already; name a new file");
  expect(await readFile(file, "utf8")).toBe("kept");
  await expect(recordReader({ ...options, spec, file: join(directory, "no", "x.rec") })).rejects.toThrow("ENOENT");
});

test("without a name, the only reader that is plugged in is meant", () => {
  expect(readerToRecord("serial:/dev/ttyACM0", []).id).toBe("serial:/dev/ttyACM0");
  expect(() => readerToRecord(undefined, [])).toThrow("No reader is plugged in");
});
