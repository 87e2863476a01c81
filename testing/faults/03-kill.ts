import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { type Kill, KilledStation, killUntilLost } from "./killed-station.ts";
import { builtProgram } from "./mutated-program.ts";
import { allOf } from "./outcomes.ts";
import { without } from "./protections.ts";

/** The life of one station, half of it without a centre. */
const life: readonly Kill[] = [
  ...Array<Kill>(20).fill("agent"),
  ...Array<Kill>(8).fill("start"),
  ...Array<Kill>(4).fill("window"),
  ...Array<Kill>(2).fill("window and agent"),
  ...Array<Kill>(2).fill("agent below its supervisor"),
  "supervisor",
  "supervisor and agent",
];
const lives: Record<Effort, number> = { fast: 1, full: 12 };
/** More than processors: a station waits at times. */
const besideEachOther = 3;

async function oneLife(program: string, kills: readonly Kill[]): Promise<FaultOutcome> {
  await using station = await KilledStation.make(program);
  const mixed = kills.toSorted(() => Math.random() - 0.5);
  for (const kill of mixed.slice(0, mixed.length / 2)) await station.kill(kill);
  await station.goOffline();
  for (const kill of mixed.slice(mixed.length / 2)) await station.kill(kill);
  await station.goOnline();
  return await station.recover();
}

async function allLives(count: number): Promise<FaultOutcome> {
  const outcomes: FaultOutcome[] = [];
  let begun = 0;
  const work = async (): Promise<void> => {
    while (begun++ < count) outcomes.push(await oneLife(builtProgram, life));
  };
  await Promise.all(Array.from({ length: besideEachOther }, work));
  return allOf(...outcomes);
}

export const fault: Fault = {
  number: 3,
  name: "kill -9 of agent, window, supervisor",
  everyCommit: false,
  run: (effort) => allLives(lives[effort]),
  controls: [
    {
      without: "waiting for the commit before green",
      breaks: ["I1"],
      mutations: without.commitBeforeGreen,
      run: killUntilLost,
    },
  ],
};
