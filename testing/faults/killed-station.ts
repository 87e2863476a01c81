import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import { temporaryFolder } from "../folder.ts";
import { until } from "../until.ts";
import type { FaultOutcome } from "./fault.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { type RestlessReader, startRestlessReader } from "./restless-reader.ts";
import { SaidFile, scans } from "./said-file.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";

const longestBetweenScansMs = 10;
/** Long enough to be reached by most starts of an idle machine. */
const longestStartMs = 800;
const longestAtWorkMs = 150;
const answerWithinMs = 2_000;
const recoverWithinMs = 60_000;
const cardsOfAPage = 40;
const mostControlKills = 40;

/** Who is killed, and when. */
export type Kill =
  /** The agent, at any moment of its start. */
  | "start"
  /** The agent at work. */
  | "agent"
  /** The page; the agent must go on as if nothing had happened. */
  | "window"
  /** Page and agent in one moment. */
  | "window and agent"
  /** The agent below its supervisor, which starts it again. */
  | "agent below its supervisor"
  /** The supervisor, whose agent must end by itself. */
  | "supervisor"
  | "supervisor and agent";

/** One station, killed again and again while a reader and at times a page never stop scanning. */
export class KilledStation implements AsyncDisposable {
  readonly #folder = temporaryFolder();
  readonly #oracle: Oracle;
  readonly #centre: FakeCentre;
  readonly #reader: RestlessReader;
  readonly #station: StationUnderTest;
  readonly #pageSaid: SaidFile;
  readonly #judged: FaultOutcome["judged"][] = [];
  #kills = 0;
  #slowestMs = 0;

  private constructor(program: string, oracle: Oracle, centre: FakeCentre, reader: RestlessReader) {
    this.#oracle = oracle;
    this.#centre = centre;
    this.#reader = reader;
    this.#station = new StationUnderTest({ oracle, program, central: centre.url, readers: [reader.spec] });
    this.#pageSaid = new SaidFile(path.join(this.#folder.path, "page-said"));
  }

  static async make(program: string): Promise<KilledStation> {
    const oracle = new Oracle();
    const centre = await startFakeCentre();
    answerSignIn(centre);
    return new KilledStation(program, oracle, centre, await startRestlessReader(oracle, longestBetweenScansMs));
  }

  /** From now on nobody answers at the centre's address. */
  goOffline(): Promise<void> {
    return this.#centre.down();
  }

  goOnline(): Promise<void> {
    return this.#centre.up();
  }

  /** One start, one kill, and a look at what is left. */
  async kill(kill: Kill): Promise<void> {
    switch (kill) {
      case "start": {
        const agent = this.#station.launch();
        await pause(Math.random() * longestStartMs);
        await agent.kill();
        break;
      }
      case "agent": {
        const agent = await this.#startAgent();
        await this.#work(agent);
        await agent.kill();
        break;
      }
      case "window":
      case "window and agent": {
        const agent = await this.#startAgent();
        await this.#killWindow(agent, kill === "window and agent");
        break;
      }
      case "agent below its supervisor":
      case "supervisor":
      case "supervisor and agent":
        await this.#killSupervised(kill);
        break;
    }
    this.#kills++;
    this.#station.hearAll();
    this.#oracle.hearAll(scans(this.#pageSaid.newLines()));
    this.#judged.push(this.#oracle.judge({ journal: this.#station.journal(), centre: this.#centre }));
  }

  /** Something accepted was lost already: a control has shown what it shall. */
  get hasLost(): boolean {
    return this.#judged.some(({ I1 }) => (I1?.length ?? 0) > 0);
  }

  /** Nothing more is done; what was seen so far. */
  get seen(): FaultOutcome {
    return {
      counts: {
        kills: this.#kills,
        scans: this.#oracle.issuedCount,
        accepted: this.#oracle.acceptedCount,
        "ms of the slowest answer": this.#slowestMs,
      },
      judged: together(...this.#judged),
    };
  }

  /** No more kills: everything accepted must come to the centre, and a fresh scan too, with nobody's help. */
  async recover(): Promise<FaultOutcome> {
    const agent = await this.#startAgent();
    const fresh = this.#oracle.issue();
    const outcome = await agent.scan(fresh);
    this.#station.hearAll();
    const late = await notInTime(
      "everything accepted is at the centre",
      () => [...this.#oracle.acceptedIds].every((id) => this.#centre.stored.has(id)),
      recoverWithinMs,
    );
    await agent.stop();
    this.#station.hearAll();
    const told = outcome?.verdict === "accept" ? [] : ["the scan after the last kill was not accepted"];
    const journal = this.#station.journal();
    const unsent = journal.entries.filter(({ state }) => state === "unsent").map(({ id }) => id);
    this.#judged.push(
      // What was accepted in the last moment before the stop may wait for the next start.
      this.#oracle.judge({ journal, centre: this.#centre }),
      { I1: this.#lostOnTheWay(new Set(unsent)), I6: [...late, ...told] },
    );
    return this.seen;
  }

  #lostOnTheWay(unsent: ReadonlySet<string>): string[] {
    return [...this.#oracle.acceptedIds]
      .filter((id) => !this.#centre.stored.has(id) && !unsent.has(id))
      .map((id) => `${id} was accepted, is not at the centre and does not wait to be sent`);
  }

  async #startAgent(): Promise<AgentUnderTest> {
    const agent = this.#station.launch();
    if (!(await agent.ready())) throw new Error(`The agent did not start again: ${this.#station.log().slice(-600)}`);
    return agent;
  }

  /** Lets the reader scan for a while; at times somebody waits for one answer. */
  async #work(agent: AgentUnderTest): Promise<void> {
    await until("the reader is heard", () => agent.outcomes.length > 0, recoverWithinMs);
    if (Math.random() < 0.2) await this.#answersInTime(agent);
    await pause(Math.random() * longestAtWorkMs);
  }

  async #answersInTime(agent: AgentUnderTest): Promise<void> {
    await agent.client();
    const fromMs = performance.now();
    const outcome = await agent.scan(this.#oracle.issue());
    const ms = Math.round(performance.now() - fromMs);
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    const late = outcome === null || ms > answerWithinMs;
    this.#judged.push({ I4: late ? [`a scan was answered after ${ms} ms`] : [] });
  }

  async #killWindow(agent: AgentUnderTest, agentToo: boolean): Promise<void> {
    const page = this.#openPage(String(agent.readyLines[0]?.kiosk));
    const saidFrom = this.#pageSaid.size;
    await until("the page scans", () => this.#pageSaid.size > saidFrom);
    await pause(Math.random() * longestAtWorkMs);
    const gone = once(page, "exit");
    page.kill("SIGKILL");
    if (agentToo) await agent.kill();
    await gone;
    if (agentToo) return;
    await this.#answersInTime(agent);
    await agent.stop();
  }

  #openPage(address: string): ChildProcess {
    const page = spawn(process.execPath, [path.join(import.meta.dirname, "page-process.ts"), address], {
      stdio: ["pipe", this.#pageSaid.descriptor, "inherit"],
    });
    const payloads = Array.from({ length: cardsOfAPage }, () => this.#oracle.issue().payload);
    page.stdin?.end(JSON.stringify(payloads));
    return page;
  }

  async #killSupervised(kill: "agent below its supervisor" | "supervisor" | "supervisor and agent"): Promise<void> {
    const supervisor = this.#station.launchSupervised();
    if (!(await supervisor.ready())) throw new Error(`No agent was started: ${this.#station.log().slice(-600)}`);
    await this.#work(supervisor);
    const agentPid = Number(supervisor.readyLines.at(-1)?.pid);
    if (kill !== "supervisor") process.kill(agentPid, "SIGKILL");
    if (kill !== "agent below its supervisor") {
      await supervisor.kill();
      await until("the agent without its supervisor ends", () => isGone(agentPid), recoverWithinMs);
      return;
    }
    const late = await notInTime("the agent is started again", () => supervisor.readyLines.length > 1, recoverWithinMs);
    this.#judged.push({ I6: late });
    await supervisor.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#station[Symbol.asyncDispose]();
    await this.#reader[Symbol.asyncDispose]();
    await this.#centre[Symbol.asyncDispose]();
    this.#pageSaid[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

/**
 * A control of kills: the agent without a protection is killed at work until something accepted is lost. Offline, because
 * a centre's answers bring late commits forward.
 */
export async function killUntilLost(program: string): Promise<FaultOutcome> {
  await using station = await KilledStation.make(program);
  await station.goOffline();
  for (let kills = 0; kills < mostControlKills && !station.hasLost; kills++) await station.kill("agent");
  return station.seen;
}
