import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/**
 * The wall clock of a process under test, set from outside while it runs (libfaketime). Its monotonic clock stays real:
 * on a machine too, setting the time does not move that one.
 */
export class FakeClock implements Disposable {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), "tram-clock-"));
  readonly #file = path.join(this.#folder, "offset");

  constructor() {
    if (!existsSync(library)) throw new Error(`No ${library}: install the Debian package libfaketime.`);
    this.set(Date.now());
  }

  /** Environment of the process under test. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** From now on it is `wallMs` there, and goes on from that; at once, also for a running process. */
  set(wallMs: number): void {
    const seconds = (wallMs - Date.now()) / 1000;
    // In place of the old file in one step: the library reads it at every question for the time.
    writeFileSync(`${this.#file}.new`, `${seconds < 0 ? "" : "+"}${seconds.toFixed(3)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
