import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";

/** The files of a journal that a crash puts back to what was synced. */
const journalFiles = ["journal.db", "journal.db-wal", "journal.db-journal"];

/**
 * A library preloaded into an agent (`env` of a station) that counts, fails and cuts its calls to the disk, and keeps
 * what a disk would hold that loses everything not synced. Compiled where it runs; see disk-shim.c.
 */
export class DiskShim implements Disposable {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), "tram-shim-"));
  readonly #dataDir: string;

  /** @throws {Error} when the compiler is missing: install gcc and libc6-dev */
  constructor(dataDir: string) {
    this.#dataDir = realpathSync(dataDir);
    mkdirSync(this.#disk);
    const source = path.join(import.meta.dirname, "disk-shim.c");
    try {
      execFileSync("gcc", ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", this.#library, source, "-ldl"], {
        stdio: ["ignore", "ignore", "pipe"],
      });
    } catch (cause) {
      throw new Error("The disk shim was not compiled: install the Debian packages gcc and libc6-dev.", { cause });
    }
  }

  get #library(): string {
    return path.join(this.#folder, "shim.so");
  }

  get #log(): string {
    return path.join(this.#folder, "log");
  }

  get #order(): string {
    return path.join(this.#folder, "order");
  }

  get #disk(): string {
    return path.join(this.#folder, "disk");
  }

  /** Environment of the agent; with `killAt` it dies in the place of that sync, counted from 1. */
  env(killAt?: number): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      SHIM_ROOT: this.#dataDir,
      SHIM_LOG: this.#log,
      SHIM_EIO: this.#order,
      SHIM_DISK: this.#disk,
      ...(killAt === undefined ? {} : { SHIM_KILL_AT: String(killAt) }),
    };
  }

  /** The next `times` syncs or writes below the data folder fail with EIO; all of them for ever. */
  fail(call: "sync" | "write", times: number | "for ever"): void {
    writeFileSync(this.#order, `${call} ${times === "for ever" ? -1 : times}\n`);
  }

  /** From now on nothing fails. */
  heal(): void {
    rmSync(this.#order, { force: true });
  }

  /** What happened so far, one word each: `sync`, `kill`, `eio-sync`, `eio-write`. */
  get happened(): string[] {
    if (!existsSync(this.#log)) return [];
    return readFileSync(this.#log, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" ")[0] ?? "");
  }

  count(what: "sync" | "kill" | "eio-sync" | "eio-write"): number {
    return this.happened.filter((word) => word === what).length;
  }

  /** Copies the data folder as a power cut would have left it: nothing of the journal that was not synced. */
  copyAfterPowerCut(target: string): void {
    mkdirSync(target, { recursive: true, mode: 0o700 });
    for (const name of ["station.key", "duty.sealed"]) {
      if (existsSync(path.join(this.#dataDir, name))) {
        copyFileSync(path.join(this.#dataDir, name), path.join(target, name));
      }
    }
    for (const name of journalFiles) {
      rmSync(path.join(target, name), { force: true });
      const kept = path.join(this.#disk, name);
      if (existsSync(kept)) copyFileSync(kept, path.join(target, name));
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
