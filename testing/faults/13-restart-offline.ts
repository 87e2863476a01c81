import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { type Kill, KilledStation, killUntilLost } from "./killed-station.ts";
import { builtProgram } from "./mutated-program.ts";
import { allOf } from "./outcomes.ts";
import { without } from "./protections.ts";

const outages: Record<Effort, number> = { fast: 1, full: 10 };
/** Restarts of one outage. */
const restarts: readonly Kill[] = ["agent", "start", "agent", "agent below its supervisor", "start", "agent"];

/** The centre goes away, the station is killed and started again and again, and then the centre is back. */
async function outage(program: string, kills: readonly Kill[]): Promise<FaultOutcome> {
  await using station = await KilledStation.make(program);
  await station.kill("agent");
  await station.goOffline();
  for (const kill of kills) await station.kill(kill);
  await station.goOnline();
  return await station.recover();
}

async function allOutages(count: number): Promise<FaultOutcome> {
  const outcomes: FaultOutcome[] = [];
  for (let done = 0; done < count; done += 2) {
    outcomes.push(...(await Promise.all([outage(builtProgram, restarts), outage(builtProgram, restarts)])));
  }
  return allOf(...outcomes);
}

export const fault: Fault = {
  number: 13,
  name: "restarts while offline",
  everyCommit: false,
  run: (effort) => allOutages(outages[effort]),
  controls: [
    {
      without: "waiting for the commit before green",
      breaks: ["I1"],
      mutations: without.commitBeforeGreen,
      run: killUntilLost,
    },
  ],
};
