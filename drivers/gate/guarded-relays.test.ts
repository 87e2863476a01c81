/** Processes that are really killed, stopped and continued, over a board that keeps its own record. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createRelayBoard, type SimulatedRelayBoard } from "../../testing/relay-board.ts";
import { until } from "../../testing/until.ts";

/** Another process that holds relays: says `{"state":...}` and `{"result":...}` lines, pulses at every byte it is sent. */
function startHolder(spec: string) {
  const at = (file: string): string => JSON.stringify(join(import.meta.dirname, file));
  const program = `
    import { parseRelaySpecs } from ${at("relay-spec.ts")};
    import { openGuardedRelays } from ${at("guarded-relays.ts")};
    const say = (line) => process.stdout.write(JSON.stringify(line) + "\\n");
    const specs = parseRelaySpecs([${JSON.stringify(spec)}]);
    const relays = openGuardedRelays(specs, { onState: say, onReport: say });
    process.stdin.on("data", () => relays.pulse(specs[0].id));
    process.stdin.on("end", () => relays[Symbol.asyncDispose]().then(() => say({ state: "disposed" })));
  `;
  const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });
  const lines = () =>
    said
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { state?: string; result?: string; why?: string });
  return {
    pulse: () => void child.stdin?.write("!"),
    lines,
    ready: (times = 1) =>
      until(`ready ${times} times`, () => lines().filter(({ state }) => state === "ready").length === times, 20_000),
    guardPid: () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ")[0]),
    kill: () => child.kill("SIGKILL"),
    dispose: () => child.stdin?.end(),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const switchedOn = (board: SimulatedRelayBoard) => until("it is on", () => board.on().length === 1);
const switchedOff = (board: SimulatedRelayBoard) => until("it is off", () => board.on().length === 0, 5000);

test("kill -9 in the middle of a pulse: the relay is let go at once and the guard ends", async () => {
  await using board = await createRelayBoard("lcus");
  await using holder = startHolder(`lcus:${board.path}?pulse=1000`);
  await holder.ready();
  const guard = holder.guardPid();
  holder.pulse();
  await switchedOn(board);
  holder.kill();
  await switchedOff(board);
  const [pulse] = board.pulses(1);
  // Sooner than the pulse would have ended by its timer: it was the death of the other process that ended it.
  expect((pulse?.[1] ?? 0) - (pulse?.[0] ?? 0)).toBeLessThan(900);
  await until("the guard ended", () => !isAlive(guard), 8000);
  expect(board.events.at(-1)?.on).toBe(false);
});

test("kill -9 of the guard in the middle of a pulse: it is started again and lets go first", async () => {
  await using board = await createRelayBoard("lcus");
  await using holder = startHolder(`lcus:${board.path}?pulse=1000`);
  await holder.ready();
  holder.pulse();
  await switchedOn(board);
  const before = board.events.length;
  process.kill(holder.guardPid(), "SIGKILL");
  await switchedOff(board);
  expect(board.events[before]).toMatchObject({ on: false });
  await holder.ready(2);
  expect(holder.lines().filter(({ state }) => state === "fault")).toHaveLength(1);
  holder.pulse();
  await until("a pulse of the new guard", () => holder.lines().some(({ result }) => result === "given"));
});

test("disposing in the middle of a pulse switches off before it resolves", async () => {
  await using board = await createRelayBoard("modbus");
  await using holder = startHolder(`modbus:${board.path}?address=7&pulse=1000`);
  await holder.ready();
  const guard = holder.guardPid();
  holder.pulse();
  await switchedOn(board);
  holder.dispose();
  await until("disposed", () => holder.lines().some(({ state }) => state === "disposed"));
  expect(board.on()).toEqual([]);
  expect(isAlive(guard)).toBe(false);
});

test("the signals of a service manager do not end the guard before the process it guards", async () => {
  await using board = await createRelayBoard("lcus");
  await using holder = startHolder(`lcus:${board.path}`);
  await holder.ready();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(holder.guardPid(), signal);
  holder.pulse();
  await until("a pulse", () => holder.lines().some(({ result }) => result === "given"));
  expect(holder.lines().some(({ state }) => state === "fault")).toBe(false);
});

test("a pulse that reaches the guard only after seconds opens for nobody", async () => {
  await using board = await createRelayBoard("lcus");
  await using holder = startHolder(`lcus:${board.path}`);
  await holder.ready();
  const guard = holder.guardPid();
  process.kill(guard, "SIGSTOP");
  try {
    holder.pulse();
    await new Promise((resolve) => setTimeout(resolve, 3500)); // The age itself is what is tested.
  } finally {
    process.kill(guard, "SIGCONT");
  }
  await until("it was dropped", () => holder.lines().some(({ why }) => why === "late"));
  expect(board.events.filter(({ on }) => on)).toEqual([]);
});
