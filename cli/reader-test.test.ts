import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import iconv from "iconv-lite";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { testCodes } from "../drivers/reader-test/test-codes.ts";
import { loadReaderProfiles } from "../provisioning/reader-profiles.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { jsonLines, type Line, type Running, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice, type PtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { connectToAgent } from "./agent-client.ts";
import { testReader } from "./reader-test.ts";

// A scanner on a pseudo-terminal that damages what it reads, as real ones do, before the real driver and the real test.

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

type Damage = (text: string) => string | Uint8Array;
const exactly: Damage = (text) => `${text}\r\n`;

const damages: readonly (readonly [expected: string, damage: Damage])[] = [
  ["", exactly],
  ["aim-identifier", (text) => `]Q1${text}\r`],
  ["", (text) => `\x02${text}\x03`],
  ["no-terminator", (text) => text],
  ["prefix", (text) => `QR:${text}\r`],
  ["suffix", (text) => `${text};\r`],
  ["truncated", (text) => Buffer.concat([Buffer.from(text).subarray(0, 90), Buffer.from("\r")])],
  ["reports-lost", (text) => Buffer.concat([Buffer.from(text).subarray(0, 56), Buffer.from("\r")])],
  [
    "gap",
    (text) => Buffer.concat([Buffer.from(text).subarray(0, 30), Buffer.from(text).subarray(40), Buffer.from("\r")]),
  ],
  ["letters-lost", (text) => `${text.replace(/\P{ASCII}/gu, "?")}\r`],
  ["decomposed", (text) => `${text.normalize("NFD")}\r`],
  ["double-encoded", (text) => `${iconv.decode(Buffer.from(text), "latin1")}\r`],
  ["code-page", (text) => Buffer.concat([iconv.encode(text, "viscii"), Buffer.from("\r")])],
  ["eci", (text) => `\\000026${text.replaceAll("\\", "\\\\")}\r`],
  ["joined", (text) => `${text}${text}\r`],
  ["split", (text) => `${text.slice(0, 40)}\r${text.slice(40)}\r`],
  ["input-method", (text) => `${text.replaceAll("aa", "â").replaceAll("dd", "đ").replaceAll("ow", "ơ")}\r`],
  ["letter-case", (text) => `${text.toUpperCase()}\r`],
  [
    "parity",
    (text) => Buffer.concat([Buffer.from(text).map((byte) => (byte % 3 ? byte : byte | 0x80)), Buffer.from("\r")]),
  ],
  [
    "garbage",
    (text) => Buffer.concat([Buffer.from(text).map((byte) => ((byte * 7) & 0x1f) | 0x80), Buffer.from("\r")]),
  ],
];

/** A scanner that reads each code it is shown. */
function scanner(device: PtyDevice, damage: Damage): (line: Line) => void {
  return (line) => {
    const code = testCodes[Number(line.step) - 1];
    if (line.state === "waiting" && code) void device.write(damage(code.text));
  };
}

test("a scanner that damages what it reads is found out, whatever it does, and only a good one passes", async () => {
  const listeners = new Map<string, (line: Line) => void>();
  const lines: Line[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    for (const line of jsonLines(String(text))) {
      lines.push(line);
      listeners.get(String(line.readerId))?.(line);
    }
    return true;
  });
  try {
    const dataDir = path.join(folder.path, "alone");
    const outcomes = await Promise.all(
      damages.map(async ([expected, damage]) => {
        await using device = await createPtyDevice();
        const named = `serial:${device.path}`;
        listeners.set(named, scanner(device, damage));
        const stopped = new AbortController().signal;
        const code = await testReader({ named, dataDir, json: true, svgFile: undefined, stopped });
        const done = lines.find((line) => line.readerId === named && line.state === "done");
        const findings = (done?.findings ?? []) as { code: string }[];
        return { expected, code, found: findings.map((one) => one.code).join(" "), named };
      }),
    );
    const exact = new Set(["", "aim-identifier", "no-terminator"]);
    for (const { expected, code, found } of outcomes) {
      // What is lost at byte 90 of a code of 112 is its end; of the finding only the name counts here.
      expect({ expected, found, code }).toEqual({ expected, found: expected, code: exact.has(expected) ? 0 : 2 });
    }
    const { readers } = loadReaderProfiles(dataDir);
    expect(readers).toHaveLength(damages.length);
    const profile = (at: number) => readers.find(({ readerId }) => readerId === outcomes[at]?.named);
    expect([profile(0)?.terminator, profile(1)?.prefix, profile(2)?.terminator, profile(3)?.terminator]).toEqual([
      "CRLF",
      "]Q1",
      "ETX",
      "none",
    ]);
    expect(profile(12)?.encoding).toContain("VISCII");
  } finally {
    write.mockRestore();
  }
}, 120_000);

test("the program shows codes for a dark terminal and a file, ends cleanly with Ctrl+C, and says what is missing", async () => {
  await using device = await createPtyDevice();
  const svg = path.join(folder.path, "code.svg");
  const dataDir = path.join(folder.path, "none");
  const named = ["readers", "--test", `serial:${device.path}`, "--data", dataDir];
  {
    await using program = startTram(...named, "--json", "--svg", svg);
    await program.line("reader-test", (line) => line.state === "waiting");
    expect(readFileSync(svg, "utf8")).toMatch(/^<svg .*<\/svg>\n$/);
    writeFileSync(svg, "");
    await program.end("SIGINT");
    expect(program.errors()).toBe("");
  }
  // The file tells the scanner what is on the screen.
  const shown = runTram([...named, "--svg", svg]);
  let before = readFileSync(svg, "utf8");
  for (const code of testCodes) {
    before = await until("the next code", () => {
      const now = readFileSync(svg, "utf8");
      return now !== "" && now !== before && now;
    });
    await device.write(exactly(code.text));
  }
  const { code, out, err } = await shown;
  expect(err).toBe("");
  expect(out).toContain("1/3  Quét mã này / scan this code (154 bytes)");
  expect(out).toContain("\u001b[38;5;16;48;5;231m");
  expect(out).toMatch(/Kết quả \/ result of serial:.*\nĐúng từng byte \/ exact/);
  expect(code).toBe(0);
  expect((await runTram(["readers", "--test", "serial:/dev/none"])).code).toBe(1);
  expect(existsSync(path.join(dataDir, "reader-profiles.json"))).toBe(true);
}, 120_000);

test("through the running agent: one reader is tested while the other records, and its test codes are no entries", async () => {
  await using tested = await createPtyDevice();
  await using other = await createPtyDevice();
  const dataDir = path.join(folder.path, "agent");
  const config = path.join(folder.path, "agent.json");
  writeFileSync(
    config,
    JSON.stringify({
      dataDir,
      central: "http://127.0.0.1:9",
      checkpointId: "01900000-0000-7000-8000-000000000001",
      kioskPort: 0,
      demo: true,
      readers: [`serial:${tested.path}?direction=in&name=Cổng 1`, `serial:${other.path}?direction=in&name=Cổng 2`],
    }),
  );
  await using agent = startTram("agent", "--json", "--config", config);
  await agent.line("ready");
  await readersReady(dataDir);
  const card = (index: number) =>
    `0790980000${String(index).padStart(2, "0")}|024123456|NGUYỄN VĂN A|01011998|Nam|Số 1 Đường ABC|01012022\r`;
  const accepted = (index: number) =>
    agent.line("scan", () => agent.lines.filter((line) => line.verdict === "accept").length >= index);

  const several = await runTram(["readers", "--test", "--data", dataDir]);
  expect([several.code, several.err]).toEqual([1, expect.stringContaining("Several readers are there; name one")]);

  const bad: Damage = (text) => `${text.replace(/\P{ASCII}/gu, "")}\r`;
  const run = async (damage: Damage): Promise<{ program: Running; done: Line }> => {
    const program = startTram("readers", "--test", "Cổng 1", "--data", dataDir, "--json");
    const read = scanner(tested, damage);
    let seen = 0;
    const done = await until(
      "done",
      () => {
        for (; seen < program.lines.length; seen++) read(program.lines[seen] ?? {});
        return program.lines.find((line) => line.state === "done");
      },
      60_000,
    );
    return { program, done };
  };
  const first = run(exactly);
  await other.write(card(1));
  await accepted(1);
  expect((await first).done).toMatchObject({ verdict: "exact", readerId: `serial:${tested.path}` });
  const second = await run(bad);
  expect(second.done).toMatchObject({ verdict: "faulty", findings: [{ code: "letters-lost" }] });
  await Promise.all([(await first).program, second.program].map((program) => program.end("SIGTERM")));

  // Afterwards the reader is the station's again, and everybody is told what the test found.
  await tested.write(card(2));
  await accepted(2);
  expect(agent.lines.filter((line) => line.event === "scan").map((line) => line.verdict)).toEqual(["accept", "accept"]);
  expect(loadReaderProfiles(dataDir).readers).toMatchObject([{ name: "Cổng 1", verdict: "faulty" }]);
  const client = await connectToAgent(dataDir);
  const view = await client.view((each) => each, 5_000, "view");
  expect(view.readerTest).toBeNull();
  expect(view.tested).toMatchObject([{ verdict: "faulty", findings: [{ vi: "Mất chữ có dấu" }] }]);

  // Ctrl+C gives the reader back at once.
  const cut = startTram("readers", "--test", "Cổng 1", "--data", dataDir, "--json");
  await cut.line("reader-test", (line) => line.state === "waiting");
  await cut.end("SIGINT");
  await client.view(({ readerTest }) => readerTest === null || undefined, 5_000, "no test");
  await tested.write(card(3));
  await accepted(3);

  // What the page takes from the keyboard is tested the same way, and is nobody either.
  client.send({ kind: "reader-test-start", readerId: "page:keyboard" });
  await client.view(({ readerTest }) => readerTest?.state === "waiting" || undefined, 5_000, "keyboard test");
  const keys = Buffer.from(testCodes[0]?.text.replaceAll("aa", "â").replaceAll("dd", "đ") ?? "");
  client.send({ kind: "captured", source: "keyboard", bytesB64: keys.toString("base64") });
  const found = await client.view(({ readerTest }) => readerTest?.findings[0], 5_000, "result");
  expect(found).toMatchObject({ code: "input-method", severity: "fault" });
  client.send({ kind: "reader-test-stop" });
  await client.view(({ readerTest }) => readerTest === null || undefined, 5_000, "no test");
  client.close();
  expect(agent.lines.filter((line) => line.event === "scan")).toHaveLength(3);
}, 120_000);

async function readersReady(dataDir: string): Promise<void> {
  const client = await connectToAgent(dataDir);
  await client.view((view) => view.readers.every(({ state }) => state === "ready") || undefined, 20_000, "readers");
  client.close();
}
