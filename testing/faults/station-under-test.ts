import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";
import { type AgentClient, connectToAgent } from "../../cli/agent-client.ts";
import { checkpointId } from "../drafts.ts";
import { until } from "../until.ts";
import { builtProgram } from "./mutated-program.ts";
import type { Issued, Oracle } from "./oracle.ts";
import { SaidFile, type SaidLine, scans } from "./said-file.ts";
import { leaveCredential } from "./signed-in.ts";
import { readStoredJournal, type StoredJournal } from "./stored-journal.ts";

export interface StationOptions {
  /** Hears every answer that {@link AgentUnderTest.scan} gets. */
  readonly oracle: Oracle;
  /** Address of the centre; nobody answers at the default one. */
  readonly central?: string;
  /** `tram.js` to run: {@link builtProgram}, or a control's mutated copy. */
  readonly program?: string;
  /** Where the fault is: a mounted image, a small file system. A fresh temporary folder when absent. */
  readonly dataDir?: string;
  readonly readers?: readonly string[];
  /** More environment of the agent: `LD_PRELOAD` and what the preloaded library reads. Given to the agent only. */
  readonly env?: Readonly<Record<string, string>>;
  /** More keys of `agent.json`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Without one the station records but cannot send. Default true. */
  readonly signedIn?: boolean;
}

/** Nothing listens there: the discard port, which needs root. */
const nobody = "http://127.0.0.1:9";
const readyWithinMs = 60_000;

/** An agent is nobody's child once this process is gone: none may outlive a run that was broken off. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * One station outside the process under test: its folder, its configuration, and everything its agents said.
 *
 *     const oracle = new Oracle();
 *     await using station = new StationUnderTest({ oracle, central: centre.url });
 *     const agent = await station.start();
 *     await agent.scan(oracle.issue());
 *     await agent.kill();
 *     station.hearAll();
 *     oracle.judge({ journal: station.journal() });
 */
export class StationUnderTest implements AsyncDisposable {
  readonly dataDir: string;
  /** Standard output of every agent of this station, in order. */
  readonly said: SaidFile;
  /** File with the log (standard error) of every agent of this station. */
  readonly logFile: string;
  readonly #options: StationOptions;
  readonly #folder: string;
  readonly #configFile: string;
  readonly #log: number;
  readonly #agents = new Set<AgentUnderTest>();

  constructor(options: StationOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(path.join(os.tmpdir(), "tram-fault-"));
    this.dataDir = options.dataDir ?? path.join(this.#folder, "data");
    mkdirSync(this.dataDir, { recursive: true, mode: 0o700 });
    this.#configFile = path.join(this.#folder, "agent.json");
    writeFileSync(
      this.#configFile,
      JSON.stringify({
        dataDir: this.dataDir,
        central: options.central ?? nobody,
        checkpointId,
        kioskPort: 0,
        readers: options.readers ?? [],
        ...options.config,
      }),
    );
    if (options.signedIn !== false) leaveCredential(this.dataDir);
    this.said = new SaidFile(path.join(this.#folder, "said"));
    this.logFile = path.join(this.#folder, "log");
    this.#log = openSync(this.logFile, "a");
  }

  /** Starts an agent that may not live to be ready; `env` is added to the station's. */
  launch(env: Readonly<Record<string, string>> = {}): AgentUnderTest {
    return this.#launch(["--no-supervisor"], env);
  }

  /** Starts `tram agent` as it is shipped: a supervisor, with the agent as its child. All calls mean the supervisor. */
  launchSupervised(): AgentUnderTest {
    return this.#launch([], {});
  }

  #launch(args: readonly string[], env: Readonly<Record<string, string>>): AgentUnderTest {
    const child = spawn(
      process.execPath,
      [this.#options.program ?? builtProgram, "agent", ...args, "--json", "--config", this.#configFile],
      {
        stdio: ["ignore", this.said.descriptor, this.#log],
        env: { ...process.env, ...this.#options.env, ...env },
      },
    );
    const agent = new AgentUnderTest(child, this.said, this.dataDir, this.#options.oracle);
    this.#agents.add(agent);
    void agent.ended.then(() => this.#agents.delete(agent));
    return agent;
  }

  /**
   * Starts an agent and waits until it takes scans.
   *
   * @throws {Error} with the end of its log when it ends instead
   */
  async start(env: Readonly<Record<string, string>> = {}): Promise<AgentUnderTest> {
    const agent = this.launch(env);
    if (await agent.ready()) return agent;
    throw new Error(`The agent did not start: ${this.log().slice(-600)}`);
  }

  /** Lets the oracle hear what stands in {@link said}. */
  hearAll(): void {
    this.#options.oracle.hearAll(scans(this.said.newLines()));
  }

  /** The journal as it lies there now. */
  journal(): StoredJournal {
    return readStoredJournal(this.dataDir);
  }

  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => agent.kill()));
    this.said[Symbol.dispose]();
    closeSync(this.#log);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One running `tram agent`, a process of its own, killed by its pid. */
export class AgentUnderTest {
  readonly pid: number;
  /** Settles when the process is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #said: SaidFile;
  readonly #saidFrom: number;
  readonly #dataDir: string;
  readonly #oracle: Oracle;
  #client: AgentClient | null = null;

  constructor(child: ChildProcess, said: SaidFile, dataDir: string, oracle: Oracle) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#said = said;
    this.#saidFrom = said.size;
    this.#dataDir = dataDir;
    this.#oracle = oracle;
    running.add(child);
    this.ended = once(child, "exit").then(() => {
      running.delete(child);
      this.#client?.close();
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until it has said that it is ready; false when it ended before. */
  ready(): Promise<boolean> {
    return until(
      `the agent ${this.pid} is ready`,
      () => {
        if (this.readyLines.length > 0) return { isReady: true };
        return this.isRunning ? undefined : { isReady: false };
      },
      readyWithinMs,
    ).then(({ isReady }) => isReady);
  }

  /** Each time an agent said that it takes scans, with its `pid` and the address of its `kiosk`. */
  get readyLines(): SaidLine[] {
    return this.#said.lines(this.#saidFrom).filter((line) => line.event === "ready");
  }

  /** Scan outcomes this agent has said on its standard output. */
  get outcomes(): ScanOutcome[] {
    return this.#said.outcomes(this.#saidFrom);
  }

  /** A command's connection to this agent; the same one each time. */
  async client(): Promise<AgentClient> {
    this.#client ??= await connectToAgent(this.#dataDir);
    return this.#client;
  }

  /**
   * Holds a card, as `tram scan` does, and waits for the answer to exactly this one; the oracle hears it. Null when the
   * agent ended or said nothing within `withinMs`.
   */
  async scan(issued: Issued, withinMs = 10_000): Promise<ScanOutcome | null> {
    try {
      const client = await this.client();
      const correlationId = `card-${issued.index}`;
      const answer = client.next(
        (message) =>
          message.type === "outcome" && message.outcome.correlationId === correlationId ? message.outcome : undefined,
        withinMs,
        "scan",
      );
      client.send({
        kind: "captured",
        source: "typed",
        bytesB64: Buffer.from(issued.payload, "utf8").toString("base64"),
        correlationId,
        direction: "in",
      });
      const outcome = await Promise.race([answer, this.ended]);
      if (outcome === undefined) return null;
      this.#oracle.hear(outcome, issued);
      return outcome;
    } catch {
      return null;
    }
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM, as a service manager; resolves when the process is gone. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Stops every thread of it where it is; resolves when they have stopped. */
  async freeze(): Promise<void> {
    process.kill(this.pid, "SIGSTOP");
    await until(`the agent ${this.pid} stands still`, () => !this.isRunning || isStopped(this.pid));
  }

  thaw(): void {
    process.kill(this.pid, "SIGCONT");
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.isRunning) this.#child.kill(signal);
    await this.ended;
  }
}

/** Whether all threads of a process are in state T (proc(5)). */
export function isStopped(pid: number): boolean {
  const status = (file: string): string =>
    readFileSync(file, "latin1")
      .replace(/^.*\) /s, "")
      .charAt(0);
  return readdirSync(`/proc/${pid}/task`).every((thread) => status(`/proc/${pid}/task/${thread}/stat`) === "T");
}
