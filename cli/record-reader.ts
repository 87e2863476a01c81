/** `tram readers --record`: what one reader sends, in a file that support can replay. */
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Assessed } from "../drivers/discovery.ts";
import { openReader } from "../drivers/open-reader.ts";
import { parseReaderSpec, type ReaderSpec } from "../drivers/reader-spec.ts";
import { openRecording, type Recording } from "../drivers/simulated/recording.ts";
import { CommandFailure } from "./failure.ts";
import { printJson } from "./output.ts";

/** What to record, where to, and until when. */
export interface RecordOptions {
  readonly spec: ReaderSpec;
  readonly file: string;
  /** As it was scanned; otherwise invented letters and digits stand in its place. */
  readonly raw: boolean;
  readonly json: boolean;
  readonly stopped: AbortSignal;
}

/**
 * Records one reader until `stopped`. Tells of each scan how many bytes it had, never what it was.
 *
 * @throws {CommandFailure} when the file cannot be written, {@link ReaderFault} when the reader cannot be opened or ends.
 */
export async function recordReader({ spec, file, raw, json, stopped }: RecordOptions): Promise<void> {
  if (spec.transport === "simulated") {
    throw new CommandFailure(`${spec.id} is a file already; name a reader that is plugged in.`);
  }
  await using recording = await openFile(file, raw);
  await using reader = await openReader(spec, undefined, recording.onRaw).catch(async (error: unknown) => {
    await rm(file, { force: true }); // Nothing is in it, and the next attempt needs its name.
    throw error;
  });
  const stop = (): void => void reader[Symbol.asyncDispose]();
  if (stopped.aborted) stop();
  else stopped.addEventListener("abort", stop, { once: true });
  if (json) printJson({ event: "recording", reader: spec.id, file: resolve(file), raw });
  else process.stdout.write(`Recording ${spec.id} into ${file}: scan now, end with Ctrl+C.\n`);
  for await (const { sequence, bytes, spoiled } of reader) {
    if (json) printJson({ event: "recorded", scan: sequence, bytes: bytes.length, spoiled });
    else
      process.stdout.write(
        `scan ${sequence}: ${bytes.length} bytes${spoiled === null ? "" : `, spoiled: ${spoiled}`}\n`,
      );
  }
  if (!json) process.stdout.write(`Play it with --reader simulated:${file}\n`);
}

async function openFile(file: string, raw: boolean): Promise<Recording> {
  try {
    return await openRecording(file, { raw });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EEXIST") throw new CommandFailure(`${file} is there already; name a new file.`, { cause: error });
    throw new CommandFailure(`${file} cannot be written (${String(code)}); name a file in a folder of yours.`, {
      cause: error,
    });
  }
}

/** The reader that is meant: the one named, or the only one that is plugged in. */
export function readerToRecord(named: string | undefined, devices: readonly Assessed[]): ReaderSpec {
  if (named !== undefined) return parseReaderSpec(named);
  const readers = devices.flatMap((device) => (device.verdict === "reader" ? [device.spec] : []));
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return only;
  throw new CommandFailure(
    only === undefined
      ? "No reader is plugged in that can be opened by itself; name one with --reader, for example serial:/dev/ttyACM0."
      : `Several readers are plugged in; name one with --reader: ${readers.map(({ id }) => id).join(", ")}.`,
  );
}
