/** A reader that plays a file: it ships, for demonstrations, support and tests. The file: `reader-script.ts`. */
import { readFile } from "node:fs/promises";
import { createKeyFramer } from "../evdev/key-framer.ts";
import { createByteFramer } from "../framing/byte-framer.ts";
import { uncalibrated } from "../keyboard/calibration.ts";
import type { KeyStroke } from "../keyboard/key-stroke.ts";
import { obeysNothing, type RawScan, type Reader, ReaderFault } from "../reader.ts";
import type { SimulatedReaderSpec } from "../reader-spec.ts";
import { silence } from "./play-steps.ts";
import { type DeviceStep, parseReaderScript, type ScanStep } from "./reader-script.ts";
import { openFramedReplay } from "./replayed-frames.ts";
import { openHidReplay } from "./replayed-hid.ts";

/**
 * Opens a simulated reader. Its script starts with the iteration and ends in silence: the reader stays open until it
 * is disposed. Every opening plays from the first line, so under a supervisor a script with `@fault` starts again.
 * Scans are played as fast as they are fetched; what a device sent is played at its own pace, through the code that
 * reads such a device.
 *
 * @throws {ReaderFault} `reader.not-found` or `reader.permission` for the file, `reader.bad-spec` for a bad line.
 */
export async function openSimulatedReader(spec: SimulatedReaderSpec): Promise<Reader> {
  const script = parseReaderScript(spec.path, await readScript(spec.path));
  switch (script.kind) {
    case "scans":
      return openScanReplay(spec, script.steps);
    case "hid":
      return openHidReplay(spec, script);
    case "serial":
      return openFramedReplay(spec, script.steps, createByteFramer());
    case "keys":
      return openKeyReplay(spec, script.steps);
  }
}

function openKeyReplay(spec: SimulatedReaderSpec, steps: readonly DeviceStep<KeyStroke | "lost">[]): Reader {
  const framer = createKeyFramer(() => uncalibrated);
  return openFramedReplay(spec, steps, {
    ...framer,
    push(sent, nowMs) {
      if (sent !== "lost") return framer.push(sent, nowMs);
      framer.lose(nowMs);
      return [];
    },
  });
}

function openScanReplay(spec: SimulatedReaderSpec, steps: readonly ScanStep[]): Reader {
  const disposal = new AbortController();
  let iterated = false;
  return {
    id: spec.id,
    ...obeysNothing,
    [Symbol.asyncIterator]() {
      if (iterated) throw new Error(`Reader ${spec.id} was iterated already; open it anew.`);
      iterated = true;
      return play(spec, steps, disposal.signal);
    },
    async [Symbol.asyncDispose]() {
      disposal.abort();
    },
  };
}

async function* play(
  spec: SimulatedReaderSpec,
  steps: readonly ScanStep[],
  disposed: AbortSignal,
): AsyncGenerator<RawScan, void, undefined> {
  let sequence = 0;
  for (const step of steps) {
    if (step.kind === "fault") throw new ReaderFault(step.code, `The script ${spec.path} faults here: ${step.code}.`);
    if (step.kind === "wait") await silence(step.durationMs, disposed);
    for (let time = 0; step.kind === "scan" && time < step.times; time++) {
      if (disposed.aborted) return;
      sequence++;
      const bytes = Uint8Array.from(step.bytes);
      yield { bytes, aim: null, readerId: spec.id, receivedMonoMs: performance.now(), sequence, spoiled: null };
    }
    if (disposed.aborted) return;
  }
  await untilAborted(disposed);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function readScript(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    if (code === "ENOENT") {
      throw new ReaderFault("reader.not-found", `The script ${path} is not there: correct the path.`, { cause });
    }
    if (code === "EACCES") {
      throw new ReaderFault("reader.permission", `This user may not read the script ${path}: allow it.`, { cause });
    }
    throw new ReaderFault("reader.failed", `The script ${path} could not be read: name a readable file.`, { cause });
  }
}
