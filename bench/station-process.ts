import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import Database from "better-sqlite3";
import { agentNodeFlags, childEnvironment } from "../cli/output.ts";
import { checkpointId } from "../testing/drafts.ts";
import { builtProgram } from "../testing/faults/mutated-program.ts";
import { until } from "../testing/until.ts";

/** The built agent in a process of its own, without the small one that `tram agent` sets over it. */
export class StationProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #startedMs = performance.now();
  #readyMs: number | null = null;
  readonly #journalFile: string;
  #journal: Database.Database | null = null;
  #highestRss = 0;
  readonly #sampling: NodeJS.Timeout;

  /** Starts it over a data folder, with nobody's readers. */
  constructor(dataDir: string, central: string) {
    this.#journalFile = path.join(dataDir, "journal.db");
    const configFile = path.join(path.dirname(dataDir), `${path.basename(dataDir)}.json`);
    writeFileSync(configFile, JSON.stringify({ dataDir, central, checkpointId, kioskPort: 0, readers: [] }));
    this.#child = spawn(
      process.execPath,
      [...agentNodeFlags, builtProgram, "agent", "--no-supervisor", "--json", "--config", configFile],
      { env: childEnvironment(), stdio: ["ignore", "pipe", "pipe"] },
    );
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error("The agent was started without pipes.");
    createInterface({ input: stdout }).on("line", (line) => {
      if (line.includes('"event":"ready"')) this.#readyMs ??= performance.now() - this.#startedMs;
    });
    stderr.resume();
    this.#sampling = setInterval(() => {
      this.#highestRss = Math.max(this.#highestRss, this.rss);
    }, 50);
  }

  /** Milliseconds from the start of the process until it took scans. */
  async ready(): Promise<number> {
    return until("the agent is ready", () => this.#readyMs ?? undefined, 60_000);
  }

  /** Entries the centre has taken so far, of a journal that began with number 1: they are sent oldest first. */
  get acknowledged(): number {
    this.#journal ??= new Database(this.#journalFile, { readonly: true });
    const row = this.#journal
      .prepare("SELECT coalesce(min(seq), (SELECT max(seq) + 1 FROM entry)) - 1 AS taken FROM entry WHERE state = 0")
      .get() as { taken: number };
    return row.taken;
  }

  /** Resident memory now, MiB (proc(5), VmRSS). */
  get rss(): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, "latin1");
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      return 0;
    }
  }

  /** The highest resident memory seen, MiB. */
  get highestRss(): number {
    return this.#highestRss;
  }

  /** Processor time used so far by all its threads, ms (proc(5), utime and stime in ticks of 10 ms). */
  get processorMs(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampling);
    this.#journal?.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.thaw();
    this.#child.kill("SIGTERM");
    await exited;
  }
}
