import { describe, expect, test } from "vitest";
import { createRelayBoard } from "../../testing/relay-board.ts";
import { until } from "../../testing/until.ts";
import { monotonicMs, type PulseReport } from "./pulsed-relay.ts";
import { parseRelaySpecs } from "./relay-spec.ts";
import { type RelayState, superviseBoard } from "./supervised-board.ts";

/** The relays of `texts`, kept open, with all they say. */
function supervise(...texts: string[]) {
  const specs = parseRelaySpecs(texts);
  const states: RelayState[] = [];
  const reports: PulseReport[] = [];
  const board = superviseBoard(specs, {
    onState: (state) => states.push(state),
    onReport: (report) => reports.push(report),
  });
  const ids = specs.map(({ id }) => id);
  return {
    states,
    reports,
    ids,
    pulse: (index = 0, askedMs = monotonicMs()) => board.pulse(ids[index] as string, askedMs),
    ready: () => until("the relay is ready", () => states.at(-1)?.state === "ready"),
    fault: (code: string) => until(`fault ${code}`, () => states.at(-1)?.code === code && states.at(-1)),
    reported: (count: number) => until(`${count} reports`, () => reports.length >= count),
    [Symbol.asyncDispose]: () => board[Symbol.asyncDispose](),
  };
}

describe.each([
  ["lcus", "channel=2"],
  ["modbus", "address=7&channel=2"],
  ["devantech", "channel=2"],
] as const)("a %s board", (kind, output) => {
  test("gives one pulse of the asked length on the named channel", async () => {
    await using board = await createRelayBoard(kind);
    await using relay = supervise(`${kind}:${board.path}?${output}&pulse=300`);
    await relay.ready();
    relay.pulse();
    await relay.reported(1);
    expect(relay.reports).toEqual([{ relayId: relay.ids[0], result: "given", heldMs: expect.any(Number) }]);
    const [pulse, ...more] = await until("the pulse is over", () => board.pulses(2).length > 0 && board.pulses(2));
    expect(more).toEqual([]);
    const heldMs = (pulse?.[1] ?? 0) - (pulse?.[0] ?? 0);
    expect(heldMs).toBeGreaterThan(250);
    expect(heldMs).toBeLessThan(600);
    expect(board.events.filter(({ channel }) => channel !== 2)).toEqual([]);
  });

  test("that was left on is let go at opening, before anything else and before it is called ready", async () => {
    await using board = await createRelayBoard(kind);
    board.leaveOn(2);
    await using relay = supervise(`${kind}:${board.path}?${output}`);
    await relay.ready();
    await until("it is off", () => board.on().length === 0);
    expect(board.events[0]).toMatchObject({ channel: 2, on: false });
    expect(board.events.filter(({ on }) => on)).toEqual([]);
  });

  test("is off when the supervision stops in the middle of a pulse", async () => {
    await using board = await createRelayBoard(kind);
    {
      await using relay = supervise(`${kind}:${board.path}?${output}&pulse=1000`);
      await relay.ready();
      relay.pulse();
      await until("it is on", () => board.on().includes(2));
    }
    await until("it is off", () => board.on().length === 0);
    const [pulse] = board.pulses(2);
    expect((pulse?.[1] ?? 0) - (pulse?.[0] ?? 0)).toBeLessThan(900);
  });
});

test("a relay that something else switched on is off when the supervision stops", async () => {
  await using board = await createRelayBoard("lcus");
  {
    await using relay = supervise(`lcus:${board.path}`);
    await relay.ready();
    await until("the OFF of opening arrived", () => board.events.length > 0);
    board.leaveOn(1);
  }
  await until("it is off", () => board.on().length === 0);
});

test("a relay is let go although another one on the same line does not answer", async () => {
  await using board = await createRelayBoard("modbus");
  board.leaveOn(2);
  await using relays = supervise(`modbus:${board.path}?address=8`, `modbus:${board.path}?address=7&channel=2`);
  await relays.fault("relay.no-answer");
  expect(board.on()).toEqual([]);
});

describe("people in a queue", () => {
  test("one more pulse waits for the lock-out, further ones are dropped and said so", async () => {
    await using board = await createRelayBoard("lcus");
    await using relay = supervise(`lcus:${board.path}?pulse=100`);
    await relay.ready();
    for (let person = 0; person < 4; person++) relay.pulse();
    await relay.reported(4);
    expect(relay.reports.map((report) => (report.result === "dropped" ? report.why : report.result))).toEqual([
      "locked-out",
      "locked-out",
      "given",
      "given",
    ]);
    const [first, second, ...more] = await until("two pulses", () => board.pulses(1).length === 2 && board.pulses(1));
    expect(more).toEqual([]);
    expect((second?.[0] ?? 0) - (first?.[1] ?? 0)).toBeGreaterThan(950);
  });

  test("two relays of one board do not wait for each other", async () => {
    await using board = await createRelayBoard("modbus");
    await using relay = supervise(
      `modbus:${board.path}?address=7&channel=1&pulse=500`,
      `modbus:${board.path}?address=7&channel=2&pulse=500`,
    );
    await relay.ready();
    relay.pulse(0);
    relay.pulse(1);
    await until("both are on", () => board.on().length === 2);
    await relay.reported(2);
    await until("both are off", () => board.on().length === 0);
  });

  test("a pulse that comes too late opens for nobody", async () => {
    await using board = await createRelayBoard("lcus");
    await using relay = supervise(`lcus:${board.path}`);
    await relay.ready();
    relay.pulse(0, monotonicMs() - 3500);
    await relay.reported(1);
    expect(relay.reports).toMatchObject([{ result: "dropped", why: "late" }]);
    expect(board.events.filter(({ on }) => on)).toEqual([]);
  });
});

describe("a board that is in trouble", () => {
  test("unplugged in the middle of a pulse: said, healed when it is back, and no pulse of before is given", async () => {
    await using board = await createRelayBoard("lcus");
    await using relay = supervise(`lcus:${board.path}?pulse=1000`);
    await relay.ready();
    relay.pulse();
    relay.pulse();
    await until("it is on", () => board.on().length === 1);
    await board.unplug();
    expect(await relay.fault("relay.unplugged")).toMatchObject({
      message: expect.stringContaining("plug it in again"),
    });
    relay.pulse();
    await relay.reported(3);
    expect(relay.reports.map(({ result }) => result).sort()).toEqual(["dropped", "dropped", "failed"]);
    const before = board.events.length;
    await board.replug();
    await relay.ready();
    relay.pulse();
    await relay.reported(4);
    await until("the board has the OFF", () => board.events.length === before + 3);
    expect(board.events.slice(before).map(({ on }) => on)).toEqual([false, true, false]);
    expect(relay.states.map(({ state }) => state)).toEqual(["connecting", "ready", "fault", "ready"]);
  });

  test("whose answer to ON is lost: the pulse failed, the relay is let go all the same, and it heals", async () => {
    await using board = await createRelayBoard("modbus");
    await using relay = supervise(`modbus:${board.path}?address=7`);
    await relay.ready();
    board.mute(true);
    relay.pulse();
    await until("it is on, and nobody but the board knows", () => board.on().length === 1);
    await relay.fault("relay.no-answer");
    expect(board.on()).toEqual([]);
    expect(relay.reports).toEqual([{ relayId: relay.ids[0], result: "failed", why: "relay.no-answer" }]);
    const before = board.events.length;
    board.mute(false);
    await relay.ready();
    expect(board.events.slice(before).some(({ on }) => on)).toBe(false);
  });

  test("silent to OFF for a moment: OFF is said again", async () => {
    await using board = await createRelayBoard("modbus");
    await using relay = supervise(`modbus:${board.path}?address=7&pulse=500`);
    await relay.ready();
    relay.pulse();
    await until("it is on", () => board.on().length === 1);
    board.hang(true);
    setTimeout(() => board.hang(false), 700);
    await until("it is off", () => board.on().length === 0);
    await relay.reported(1);
    expect(relay.reports).toMatchObject([{ result: "given" }]);
  });

  test("missing, held by somebody else, or no port at all: each with its own sentence", async () => {
    await using board = await createRelayBoard("lcus");
    await using owner = supervise(`lcus:${board.path}`);
    await owner.ready();
    await using second = supervise(`lcus:${board.path}`);
    expect(await second.fault("relay.busy")).toMatchObject({
      message: expect.stringContaining("open already: name the port only once"),
    });
    await using missing = supervise("lcus:/dev/tram-no-such-relay");
    expect(await missing.fault("relay.not-found")).toMatchObject({
      message: expect.stringContaining("plug the relay"),
    });
    await using wrong = supervise("lcus:/dev/null");
    await wrong.fault("relay.failed");
    wrong.pulse();
    expect(wrong.reports).toMatchObject([{ result: "dropped", why: "not-connected" }]);
  });
});
