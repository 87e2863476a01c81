/** A recording of what a reader sent, for support: a file that `simulated:FILE` replays. */
import { type FileHandle, open } from "node:fs/promises";
import type { RawTap } from "../raw-tap.ts";
import { createChoices } from "./payload-mask.ts";
import { createRawRecorder } from "./raw-recorder.ts";

/** A recording that is being made; dispose it to complete the file. */
export interface Recording extends AsyncDisposable {
  /** What the driver is given as `onRaw`. */
  readonly onRaw: RawTap;
}

const MASKED = "# Recorded with invented letters and digits in the place of what was scanned.";
const RAW = "# Recorded as it was: holds the personal data of whoever was scanned.";

/**
 * Begins a recording of one reader in a new file that only this user may read. Unless `raw` is asked for, what was
 * scanned is replaced by invented payloads of the same shape before anything is written.
 *
 * @throws {Error} the system's, when the file exists already or cannot be written; disposing throws it for what could
 * not be written later.
 */
export async function openRecording(path: string, { raw = false }: { raw?: boolean } = {}): Promise<Recording> {
  const file = await open(path, "wx", 0o600);
  const recorder = createRawRecorder(raw ? null : createChoices());
  let written = append(file, [raw ? RAW : MASKED]);
  // A full disk is told when the recording is completed.
  written.catch(() => {});
  const write = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    written = written.then(() => append(file, lines));
    written.catch(() => {});
  };
  return {
    onRaw: (event) => write(recorder.take(event)),
    async [Symbol.asyncDispose]() {
      write(recorder.end());
      try {
        await written;
      } finally {
        await file.close();
      }
    },
  };
}

function append(file: FileHandle, lines: readonly string[]): Promise<void> {
  return file.appendFile(`${lines.join("\n")}\n`);
}
