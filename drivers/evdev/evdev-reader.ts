/** A reader in keyboard mode on Linux, taken for ourselves: the desktop, its typing tools and its windows see no key. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { createSilenceTimer } from "../framing/silence-timer.ts";
import { type KeyboardCalibration, uncalibrated } from "../keyboard/calibration.ts";
import type { RawTap } from "../raw-tap.ts";
import { obeysNothing, type Reader, ReaderFault } from "../reader.ts";
import type { EvdevReaderSpec } from "../reader-spec.ts";
import { createScanQueue } from "../scan-queue.ts";
import { type GrabPhase, grabFault, helperFault } from "./grab-fault.ts";
import { grabProgram } from "./grab-program.ts";
import { keyName } from "./key-codes.ts";
import { createKeyFramer } from "./key-framer.ts";
import { createRecordParser } from "./records.ts";

/** Limits of an evdev reader, all with defaults. */
export interface EvdevReaderOptions {
  /** How its keys are read; asked with every key, so that what a test learned holds at once. */
  readonly calibration?: (() => KeyboardCalibration) | undefined;
  /** Scans kept for a busy consumer before further ones are lost and marked. */
  readonly queueCapacity?: number;
  readonly openTimeoutMs?: number;
  /** How long a device that was just plugged in may stay forbidden, until udev has set its mode, in ms. */
  readonly permissionWaitMs?: number;
  /** How long disposing waits for the helping program to be gone, in ms. */
  readonly closeTimeoutMs?: number;
  /** Sees every key before it is framed: for recordings. */
  readonly onRaw?: RawTap | undefined;
}

type Helper = ChildProcessByStdio<Writable, Readable, Readable>;

const PERMISSION_RETRY_MS = 100;

/**
 * Opens a reader in keyboard mode and grabs it, listening at once. Each opening has its own helping program
 * ({@link grabProgram}); it is killed by disposing, and ends by itself when this process does.
 *
 * @throws {ReaderFault} not-found, busy, permission or failed; later the iteration throws unplugged or failed.
 */
export async function openEvdevReader(spec: EvdevReaderSpec, options: EvdevReaderOptions = {}): Promise<Reader> {
  const { calibration = () => uncalibrated, closeTimeoutMs = 2000 } = options;
  const { id, path } = spec;
  if (process.platform !== "linux") {
    throw new ReaderFault(
      "reader.failed",
      `${path} is read this way on Linux only: switch the reader to USB serial or HID POS.`,
    );
  }
  const helper = await openHelper(path, options);
  const framer = createKeyFramer(calibration);
  const queue = createScanQueue(id, options.queueCapacity);
  const parse = createRecordParser();
  const silence = createSilenceTimer(
    () => framer.deadlineMs(),
    () => {
      for (const frame of framer.expire(performance.now())) queue.push(frame);
    },
  );

  helper.process.stdout.on("data", (chunk: Buffer) => {
    const nowMs = performance.now();
    for (const record of parse(chunk)) {
      if (record.kind === "lost") {
        options.onRaw?.({ kind: "lost", atMs: nowMs });
        framer.lose(nowMs);
      } else {
        const stroke = { code: keyName(record.keyNumber), text: null, down: record.down, modifiers: null };
        options.onRaw?.({ kind: "key", stroke, atMs: nowMs });
        for (const frame of framer.push(stroke, nowMs)) queue.push(frame);
      }
    }
    silence.arm();
  });
  void helper.ended.then((fault) => {
    silence.stop();
    queue.fail(fault);
  });

  return {
    id,
    ...obeysNothing,
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    async [Symbol.asyncDispose]() {
      queue.close();
      silence.stop();
      await kill(helper.process, closeTimeoutMs);
    },
  };
}

interface RunningHelper {
  readonly process: Helper;
  /** Resolves with the reason when the program is gone and all it wrote was read; never rejects. */
  readonly ended: Promise<ReaderFault>;
}

/** Starts the program and waits until it holds the device; udev may still be about to permit it. */
async function openHelper(
  path: string,
  { openTimeoutMs = 10_000, permissionWaitMs = 1000, closeTimeoutMs = 2000 }: EvdevReaderOptions,
): Promise<RunningHelper> {
  const permittedByMs = performance.now() + permissionWaitMs;
  for (;;) {
    const helper = startHelper(path);
    const limit = new AbortController();
    const expired = pause(openTimeoutMs, "expired", { signal: limit.signal }).catch(() => "expired");
    const outcome = await Promise.race([helper.ready, helper.ended, expired]);
    limit.abort();
    if (outcome === "ready") return helper;
    if (!(outcome instanceof ReaderFault)) {
      void kill(helper.process, closeTimeoutMs);
      throw new ReaderFault(
        "reader.failed",
        `${path} did not open within ${openTimeoutMs} ms: plug the reader in again.`,
      );
    }
    if (outcome.code !== "reader.permission" || performance.now() >= permittedByMs) throw outcome;
    await pause(PERMISSION_RETRY_MS);
  }
}

function startHelper(path: string): RunningHelper & { readonly ready: Promise<"ready"> } {
  const helper = spawn("perl", ["-e", grabProgram, "--", path], { stdio: ["pipe", "pipe", "pipe"] });
  // A program that has ended already no longer takes its stdin; its end is told by `close`.
  helper.stdin.on("error", () => {});
  let said = "";
  let failure: NodeJS.ErrnoException | null = null;
  const ready = new Promise<"ready">((resolve) => {
    helper.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-1000);
      if (/^ready$/m.test(said)) resolve("ready");
    });
  });
  const ended = new Promise<ReaderFault>((resolve) => {
    helper.on("error", (error) => {
      failure = error;
    });
    helper.on("close", () => {
      const last = /^(open|grab|read) (\d+)$/m.exec(said);
      if (last === null) resolve(helperFault(path, failure));
      else resolve(grabFault(path, last[1] as GrabPhase, Number(last[2])));
    });
  });
  return { process: helper, ready, ended };
}

/** Ends the program; the system gives the keyboard back whichever way it ends. */
async function kill(helper: Helper, timeoutMs: number): Promise<void> {
  if (helper.exitCode !== null || helper.signalCode !== null || helper.pid === undefined) return;
  const limit = new AbortController();
  const exited = once(helper, "exit", { signal: limit.signal }).catch(() => {});
  helper.kill("SIGKILL");
  await Promise.race([exited, pause(timeoutMs, undefined, { signal: limit.signal }).catch(() => {})]);
  limit.abort();
}
