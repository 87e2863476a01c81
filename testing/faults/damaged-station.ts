import path from "node:path";
import Database from "better-sqlite3";
import { Witness, witnessFile } from "../../agent/journal/witness.ts";
import { type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import { until } from "../until.ts";
import { Oracle } from "./oracle.ts";
import { answerSignIn } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";

/** A station whose files are to be damaged while no agent runs, and a centre that can be away. */
export interface DamagedStation extends AsyncDisposable {
  readonly station: StationUnderTest;
  readonly oracle: Oracle;
  readonly centre: FakeCentre;
}

export async function damagedStation(
  program: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<DamagedStation> {
  const oracle = new Oracle();
  const centre = await startFakeCentre();
  answerSignIn(centre);
  const station = new StationUnderTest({ oracle, program, central: centre.url, config: { ...config } });
  return {
    station,
    oracle,
    centre,
    [Symbol.asyncDispose]: async () => {
      await station[Symbol.asyncDispose]();
      await centre[Symbol.asyncDispose]();
    },
  };
}

/** Holds so many cards, each of which must be taken. */
export async function holdCards(agent: AgentUnderTest, oracle: Oracle, cards: number): Promise<void> {
  for (let card = 0; card < cards; card++) {
    const outcome = await agent.scan(oracle.issue());
    if (outcome?.verdict !== "accept") throw new Error(`A card was not taken before the fault: ${outcome?.reason}`);
  }
}

/** The numbers are written down beside the journal within about a second. */
export async function witnessed(dataDir: string, seq: number): Promise<void> {
  await until("the numbers are written down beside the journal", () => {
    const witness = new Witness(path.join(dataDir, witnessFile));
    const { lastSeq } = witness;
    witness.close();
    return lastSeq >= seq;
  });
}

/** Numbers that the journal itself says were lost. */
export function toldLost(dataDir: string): number {
  const database = new Database(path.join(dataDir, "journal.db"), { readonly: true });
  try {
    return Number(
      database.prepare("SELECT coalesce(sum(last - first + 1), 0) FROM hole WHERE why = 'lost'").pluck().get(),
    );
  } finally {
    database.close();
  }
}
