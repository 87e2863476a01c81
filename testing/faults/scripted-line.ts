import type { EntryState } from "../../agent/journal/entry.ts";
import { type Arrived, type FakeCentre, type Script, startFakeCentre } from "../fake-centre.ts";
import { until } from "../until.ts";
import { notInTime, Oracle } from "./oracle.ts";
import { answerSignIn, signInAtScreen } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";

interface LineOptions {
  readonly program?: string | undefined;
  /** Address of the centre as the station knows it, where something stands between the two. */
  readonly central?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const recoverWithinMs = 60_000;

/** One running station before a scripted centre, from the scan to the acknowledgement. */
export class ScriptedLine implements AsyncDisposable {
  readonly oracle: Oracle;
  readonly centre: FakeCentre;
  readonly station: StationUnderTest;
  readonly agent: AgentUnderTest;

  private constructor(oracle: Oracle, centre: FakeCentre, station: StationUnderTest, agent: AgentUnderTest) {
    this.oracle = oracle;
    this.centre = centre;
    this.station = station;
    this.agent = agent;
  }

  static async start({ program, central, env }: LineOptions = {}): Promise<ScriptedLine> {
    const oracle = new Oracle();
    const centre = await startFakeCentre();
    answerSignIn(centre);
    const station = new StationUnderTest({
      oracle,
      central: central ?? centre.url,
      ...(program === undefined ? {} : { program }),
      ...(env === undefined ? {} : { env }),
    });
    return new ScriptedLine(oracle, centre, station, await station.start());
  }

  /** Holds one more card; the id of its entry. */
  async scan(): Promise<string> {
    const outcome = await this.agent.scan(this.oracle.issue());
    if (outcome?.verdict !== "accept" || outcome.entryId === null) throw new Error("A good card was not accepted.");
    return outcome.entryId;
  }

  /**
   * Scans `count` cards while the first of them is on its way, and answers that with 404: all of them now wait together,
   * for a quarter of an hour or for {@link signIn}. The next batch has all of them, oldest first.
   */
  async collect(count: number): Promise<string[]> {
    const scanned = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    this.centre.script = (_, answer) => {
      void scanned.promise.then(() => {
        answer.problem(404, "not_found");
        held.resolve();
      });
    };
    const ids: string[] = [];
    for (let card = 0; card < count; card++) ids.push(await this.scan());
    scanned.resolve();
    await held.promise;
    await this.isTold("call the technician");
    return ids;
  }

  /** What the screen says of sending, in English; empty when all is well. */
  async told(): Promise<string> {
    const client = await this.agent.client();
    return client.view(({ queue }) => queue.message?.en ?? "", recoverWithinMs, "what is told of sending");
  }

  async isTold(words: string): Promise<void> {
    await until(`the screen says "${words}"`, async () => (await this.told()).includes(words), recoverWithinMs);
  }

  /** Somebody signs in, which ends every wait of the outbox. */
  async signIn(): Promise<void> {
    await signInAtScreen(this.agent);
  }

  /** Every answer from now on is the script's; resolves with each batch that came until all rows left the queue. */
  async sendUnder(script: Script, withinMs = recoverWithinMs): Promise<{ batches: Arrived[]; late: string[] }> {
    const from = this.centre.batches.length;
    this.centre.script = script;
    await this.signIn();
    const late = await this.settled(withinMs);
    return { batches: this.centre.batches.slice(from), late };
  }

  /** A finding when a row still waits after `withinMs`. */
  settled(withinMs = recoverWithinMs): Promise<string[]> {
    return notInTime("nothing waits to be sent", () => this.waiting() === 0, withinMs);
  }

  waiting(): number {
    return this.station.journal().entries.filter(({ state }) => state === "unsent").length;
  }

  states(): ReadonlyMap<string, EntryState> {
    return new Map(this.station.journal().entries.map(({ id, state }) => [id, state]));
  }

  /** With no fault left a fresh scan must reach the centre, with nobody's help. */
  async recovers(): Promise<string[]> {
    this.centre.script = (_, answer) => answer.storeAll();
    const id = await this.scan();
    return notInTime("a fresh scan reaches the centre", () => this.centre.stored.has(id), recoverWithinMs);
  }

  /** Accepted rows are at the centre, or stand aside here for people to see; nowhere else. */
  lost(): string[] {
    const states = this.states();
    return [...this.oracle.acceptedIds].flatMap((id) => {
      const state = states.get(id);
      if (state === undefined) return [`${id} was accepted and is not recorded`];
      if (state === "quarantined" || this.centre.stored.has(id)) return [];
      return [`${id} is ${state} here and not at the centre`];
    });
  }

  /** Waits until the station has made so many batch requests. */
  async requests(count: number): Promise<void> {
    await until(`${count} requests`, () => this.centre.batches.length >= count, recoverWithinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.station[Symbol.asyncDispose]();
    await this.centre[Symbol.asyncDispose]();
  }
}
