/** The guided test of one reader: shows it codes that are known, and tells byte for byte what came of them. */
import type { RawEvent } from "../drivers/raw-tap.ts";
import type { RawScan } from "../drivers/reader.ts";
import { adviceFor } from "../drivers/reader-test/advice.ts";
import { diagnose } from "../drivers/reader-test/diagnose.ts";
import { type Finding, findingCodes, severityOf, verdictOf } from "../drivers/reader-test/findings.ts";
import { type QrPath, qrPath } from "../drivers/reader-test/qr-picture.ts";
import { qrSymbol } from "../drivers/reader-test/qr-symbol.ts";
import { createReceptionLog, type ReceptionLog } from "../drivers/reader-test/reception-log.ts";
import { testCodes } from "../drivers/reader-test/test-codes.ts";
import type { ReaderProfile } from "../provisioning/reader-profiles.ts";
import type { ReaderTestView, TestedReader } from "./kiosk-port/view.ts";

/** A reader to test. */
export interface ReaderUnderTest {
  readonly id: string;
  readonly name: string;
  readonly transport: string;
}

export interface ReaderTestOptions {
  readonly onChange: () => void;
  /** The test went through all codes. */
  readonly onTested: (profile: ReaderProfile) => void;
  readonly wallMs: () => number;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
  /** How long a code is shown before its absence is a finding, ms. */
  readonly nothingAfterMs?: number;
  /** A test that nobody goes on with gives the reader back to the station after this, ms. */
  readonly idleMs?: number;
}

/** What follows an exact scan at once is only the second half of its terminator. */
const exactSettleMs = 150;
/** Pieces of one scan come within this of each other... */
const settleMs = 700;
/** ...and a reader that repeats the code twice a second must not keep the test from answering. */
const longestSettleMs = 1_500;
/** A reader that makes another scan of a code each time must not fill the memory. */
const mostRemembered = 64;
/** Results that do not show the test code before the reader: visitors' cards at a wrong speed are `garbage` as well. */
const strangers: ReadonlySet<Finding["code"]> = new Set(["nothing", "other-code", "garbage"]);
/** An exact result is seen before the next code takes its place. */
const nextAfterMs = 1_500;

interface Running {
  readonly reader: ReaderUnderTest;
  readonly symbols: readonly QrPath[];
  step: number;
  state: ReaderTestView["state"];
  log: ReceptionLog;
  /** What came is judged already: more of it is a new try. */
  judged: boolean;
  findings: readonly Finding[];
  firstScanMs: number | null;
  /** Findings of each finished step. */
  readonly all: Finding[];
  /** Every scan so far: the code before is still before the reader when the next one is shown. */
  readonly earlier: Set<string>;
  readonly current: Set<string>;
  terminator: string | null;
  msPerKey: number | null;
  heard: boolean;
}

/**
 * One test at a time. While it runs, the scans of its reader belong to it and are recorded nowhere; every other reader
 * goes on as always.
 */
export class ReaderTest {
  readonly #options: ReaderTestOptions;
  #running: Running | null = null;
  #starting: symbol | null = null;
  #timer: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ReaderTestOptions) {
    this.#options = options;
  }

  /** Whether scans of this reader belong to the test now. */
  takes(readerId: string): boolean {
    return this.#running !== null && this.#running.state !== "done" && this.#running.reader.id === readerId;
  }

  get view(): ReaderTestView | null {
    const running = this.#running;
    if (running === null) return null;
    const { reader, step, state, findings, symbols } = running;
    return {
      readerId: reader.id,
      readerName: reader.name,
      state,
      step: step + 1,
      steps: testCodes.length,
      codeBytes: testCodes[step]?.bytes.length ?? 0,
      symbol: state === "done" ? null : (symbols[step] ?? null),
      verdict: state === "waiting" ? null : verdictOf(findings),
      findings: findings.map(adviceFor),
    };
  }

  /** Begins with the first code; a test of another reader ends. Never throws. */
  async start(reader: ReaderUnderTest): Promise<void> {
    this.stop();
    const starting = Symbol(reader.id);
    this.#starting = starting;
    try {
      const symbols = (await Promise.all(testCodes.map(qrSymbol))).map(qrPath);
      if (this.#starting !== starting) return;
      this.#running = {
        reader,
        symbols,
        step: 0,
        state: "waiting",
        log: createReceptionLog(),
        judged: false,
        findings: [],
        firstScanMs: null,
        all: [],
        earlier: new Set(),
        current: new Set(),
        terminator: null,
        msPerKey: null,
        heard: false,
      };
      this.#options.log("reader-test.started", { readerId: reader.id });
      this.#show(this.#running);
    } catch (error) {
      this.#options.log("reader-test.fault", { error: String(error) });
    }
  }

  /** What the device sends, before its driver understands it. */
  raw(readerId: string, event: RawEvent): void {
    const running = this.#running;
    if (running === null || !this.takes(readerId)) return;
    this.#renew(running);
    running.log.raw(event);
  }

  /** One scan of the reader under test. */
  scan(scan: Pick<RawScan, "bytes" | "aim" | "spoiled">): void {
    const running = this.#running;
    if (running === null || running.state === "done") return;
    const payload = Buffer.from(scan.bytes).toString("latin1");
    if (running.earlier.has(payload)) return;
    this.#renew(running);
    running.log.scan(scan);
    if (running.current.size < mostRemembered) running.current.add(payload);
    running.heard = true;
    const nowMs = performance.now();
    running.firstScanMs ??= nowMs;
    const code = testCodes[running.step];
    const isExact = code !== undefined && Buffer.from(scan.bytes).equals(code.bytes);
    const leftMs = running.firstScanMs + longestSettleMs - nowMs;
    this.#after(isExact ? exactSettleMs : Math.max(0, Math.min(settleMs, leftMs)), () => this.#judge(running));
  }

  /** The next code, or the end after the last one. Without any sign of the reader the other codes would tell no more. */
  next(): void {
    const running = this.#running;
    if (running === null || running.state === "done") return;
    if (!running.judged) this.#judge(running);
    running.all.push(...running.findings);
    for (const payload of running.current) running.earlier.add(payload);
    running.current.clear();
    running.step += 1;
    if (running.step >= testCodes.length || !running.heard) return this.#finish(running);
    running.state = "waiting";
    running.findings = [];
    running.judged = false;
    running.firstScanMs = null;
    running.log = createReceptionLog();
    this.#show(running);
  }

  /** Ends the test; the reader is the station's again. */
  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#idle);
    this.#starting = null;
    if (this.#running === null) return;
    this.#options.log("reader-test.ended", { readerId: this.#running.reader.id });
    this.#running = null;
    this.#options.onChange();
  }

  #show(running: Running): void {
    this.#after(this.#options.nothingAfterMs ?? 30_000, () => this.#judge(running));
    this.#keepAlive();
    this.#options.onChange();
  }

  /** Whatever comes after a result is a new try at the same code. */
  #renew(running: Running): void {
    if (!running.judged) return;
    running.judged = false;
    running.firstScanMs = null;
    running.log = createReceptionLog();
  }

  #judge(running: Running): void {
    const code = testCodes[running.step];
    if (code === undefined) return;
    const reception = running.log.reception();
    clearTimeout(this.#timer);
    running.judged = true;
    running.state = "result";
    const before = running.findings;
    running.findings = diagnose(code, reception);
    if (isProgress(before, running.findings)) this.#keepAlive();
    running.terminator = reception.terminator ?? running.terminator;
    running.msPerKey = reception.msPerKey ?? running.msPerKey;
    const verdict = verdictOf(running.findings);
    this.#options.log("reader-test.result", {
      readerId: running.reader.id,
      code: code.id,
      verdict,
      findings: running.findings.map((one) => one.code),
    });
    if (verdict !== "faulty") this.#after(nextAfterMs, () => this.next());
    this.#options.onChange();
  }

  #finish(running: Running): void {
    clearTimeout(this.#timer);
    running.step = Math.min(running.step, testCodes.length) - 1;
    running.state = "done";
    running.findings = worstFirst(running.all);
    this.#keepAlive();
    try {
      this.#options.onTested(profileOf(running, this.#options.wallMs()));
    } catch (error) {
      this.#options.log("reader-test.not-saved", { error: String(error) });
    }
    this.#options.onChange();
  }

  #after(delayMs: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, delayMs);
  }

  #keepAlive(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), this.#options.idleMs ?? 180_000);
  }
}

/**
 * Whether somebody works at the test. Visitors who scan their cards do not, nor does a reader that stands before the
 * screen and repeats itself: nobody is recorded meanwhile, so neither may keep a forgotten test open.
 */
function isProgress(before: readonly Finding[], now: readonly Finding[]): boolean {
  if (now.some(({ code }) => strangers.has(code))) return false;
  const codesOf = (findings: readonly Finding[]): string => findings.map(({ code }) => code).join();
  return now.length === 0 || codesOf(now) !== codesOf(before);
}

/** What staff are told of an earlier test. */
export function testedReader({ readerId, testedAt, verdict, findings }: ReaderProfile): TestedReader {
  const known = findings.flatMap(({ code, detail }) => {
    const name = findingCodes.find((one) => one === code);
    return name === undefined ? [] : [adviceFor({ code: name, detail })];
  });
  return {
    readerId,
    atMs: Date.parse(testedAt),
    verdict,
    findings: known.filter(({ severity }) => severity !== "note").map(({ title }) => title),
  };
}

/** Each finding once, faults before what is only worth knowing. */
function worstFirst(findings: readonly Finding[]): Finding[] {
  const order = ["fault", "repaired", "note"];
  const once = new Map(findings.toReversed().map((one) => [one.code, one]));
  return [...once.values()].toSorted((one, other) => order.indexOf(severityOf(one)) - order.indexOf(severityOf(other)));
}

function profileOf({ reader, findings, terminator, msPerKey }: Running, wallMs: number): ReaderProfile {
  const detailOf = (...codes: Finding["code"][]): string | null => {
    const found = findings.find(({ code }) => codes.includes(code));
    return found === undefined ? null : (found.detail ?? found.code);
  };
  return {
    readerId: reader.id,
    name: reader.name,
    transport: reader.transport,
    testedAt: new Date(wallMs).toISOString(),
    verdict: verdictOf(findings),
    findings: findings.map(({ code, detail }) => ({ code, detail })),
    terminator,
    encoding: encodingOf(findings),
    layout: detailOf("keyboard-layout", "substituted"),
    prefix: detailOf("prefix", "aim-identifier"),
    msPerKey: msPerKey === null ? null : Math.round(msPerKey * 10) / 10,
  };
}

/** UTF-8 unless told otherwise; null when what came tells nothing about it. */
function encodingOf(findings: readonly Finding[]): string | null {
  const is = (...codes: Finding["code"][]) => findings.find(({ code }) => codes.includes(code));
  const other = is("code-page", "double-encoded", "utf-16", "letters-lost");
  if (other !== undefined) return `${other.code}: ${other.detail}`;
  return is("nothing", "garbage", "parity", "other-code", "differs") ? null : "UTF-8";
}
