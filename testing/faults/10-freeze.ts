import type { Page } from "playwright-core";
import { launchChromium } from "../chromium.ts";
import { temporaryFolder } from "../folder.ts";
import { freePort } from "../free-port.ts";
import { typed } from "../key-strokes.ts";
import { openPageKeys, type PageKeys } from "../page-keys.ts";
import { until } from "../until.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import type { Mutation } from "./mutated-program.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { allOf } from "./outcomes.ts";
import { type AgentUnderTest, isStopped, StationUnderTest } from "./station-under-test.ts";

/** Invariant 4 under a fault, and what timers of a loaded machine may be late. */
const toldWithinMs = 2_000 + 1_000;
/** Sign of life each second, nothing for 3.5 s, and the same lateness. */
const greenGoneWithinMs = 4_500 + 1_000;
const recoversWithinMs = 60_000;

interface Seen {
  readonly states: { state: string; atMs: number }[];
  enteredAtMs: number;
}

/** A real browser before one station, with scans typed by a reader in keyboard mode, and a clock inside the page. */
class WatchedWindow {
  readonly page: Page;
  readonly #oracle: Oracle;
  readonly #keys: PageKeys;

  constructor(page: Page, keys: PageKeys, oracle: Oracle) {
    this.page = page;
    this.#keys = keys;
    this.#oracle = oracle;
  }

  static async open(page: Page, url: string, oracle: Oracle): Promise<WatchedWindow> {
    await page.addInitScript(() => {
      const seen: Seen = { states: [], enteredAtMs: 0 };
      Object.assign(window, { seen });
      const look = () => {
        const state = document.querySelector<HTMLElement>(".stage")?.dataset.state;
        if (state !== undefined && seen.states.at(-1)?.state !== state) {
          seen.states.push({ state, atMs: performance.now() });
        }
      };
      new MutationObserver(look).observe(document, { attributes: true, childList: true, subtree: true });
      const enter = (event: KeyboardEvent) => {
        if (event.key === "Enter") seen.enteredAtMs = performance.now();
      };
      window.addEventListener("keydown", enter, { capture: true });
    });
    await page.goto(url);
    const opened = new WatchedWindow(page, await openPageKeys(page), oracle);
    await opened.shows("ready");
    return opened;
  }

  get state(): Promise<string | null> {
    return this.page.locator(".stage").getAttribute("data-state");
  }

  async shows(state: string, withinMs = 20_000): Promise<void> {
    await until(`the page shows ${state}`, async () => (await this.state) === state, withinMs);
  }

  /** Types the card of another person; what the page said of it, and after how long by its own clock. */
  async scan(): Promise<{ said: string; ms: number }> {
    const number = String(700_000 + this.#oracle.issuedCount).padStart(6, "0");
    const { payload } = this.#oracle.issueThis(`079098${number}|024123456|DANG THI THU|01011998|Nam|So 1|01012022`);
    await this.page.evaluate(() => {
      const { seen } = window as unknown as { seen: Seen };
      seen.states.length = 0;
    });
    await this.#keys.play(typed(`${payload}\n`), 5);
    return await until("the page says something of a scan", () =>
      this.page.evaluate(() => {
        const { seen } = window as unknown as { seen: Seen };
        const answers = ["accepted", "repeat", "refused", "ask", "not-recorded"];
        const first = seen.states.find(({ state }) => answers.includes(state));
        return first && { said: first.state, ms: first.atMs - seen.enteredAtMs };
      }),
    );
  }

  /** The processes that draw pages. */
  async renderers(): Promise<number[]> {
    const session = await this.page.context().browser()?.newBrowserCDPSession();
    if (session === undefined) throw new Error("There is no browser.");
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    await session.detach();
    return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  }
}

interface Scene {
  readonly station: StationUnderTest;
  readonly agent: AgentUnderTest;
  readonly window: WatchedWindow;
  readonly oracle: Oracle;
  /** Process of the agent that was ready last. */
  readonly agentPid: () => number;
}

interface SceneOptions {
  readonly program?: string | undefined;
  readonly prepare?: ((page: Page) => Promise<unknown>) | undefined;
}

async function scene(
  { program, prepare }: SceneOptions,
  play: (scene: Scene) => Promise<FaultOutcome["judged"]>,
): Promise<FaultOutcome> {
  const oracle = new Oracle();
  using folder = temporaryFolder();
  await using station = new StationUnderTest({
    oracle,
    dataDir: folder.path,
    // A page finds the agent that was started again at the same address.
    config: { kioskPort: await freePort() },
    ...(program === undefined ? {} : { program }),
  });
  const agent = station.launchSupervised();
  if (!(await agent.ready())) throw new Error(`The agent did not start: ${station.log().slice(-600)}`);
  const ready = () => station.said.lines().filter(({ event }) => event === "ready");
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    await prepare?.(page);
    const window = await WatchedWindow.open(page, String(ready().at(-1)?.kiosk), oracle);
    const judged = await play({ station, agent, window, oracle, agentPid: () => Number(ready().at(-1)?.pid) });
    await agent.stop();
    station.hearAll();
    return { counts: { freezes: 1 }, judged: together(judged, oracle.judge({ journal: station.journal() })) };
  } finally {
    await browser.close();
  }
}

/** Stands still, and is left so: told aloud, taken off the screen, killed by the watchdog, started again, all alone. */
const leftFrozen = (options: SceneOptions): Promise<FaultOutcome> =>
  scene(options, async ({ window, agentPid }) => {
    const falseGreen: string[] = [];
    const silent: string[] = [];
    const first = await window.scan();
    if (first.said !== "accepted") silent.push(`the page said ${first.said} of a good card`);
    const frozen = agentPid();
    await freeze(frozen);
    const frozenAtMs = performance.now();
    falseGreen.push(
      ...(await notInTime("the green is gone", async () => (await window.state) !== "accepted", greenGoneWithinMs)),
    );
    const said = await window.scan().catch((error: Error) => ({ said: error.message, ms: Number.POSITIVE_INFINITY }));
    if (said.said !== "not-recorded") silent.push(`a scan before a frozen agent was answered: ${said.said}`);
    else if (said.ms > toldWithinMs) silent.push(`"not recorded" came after ${Math.round(said.ms)} ms`);
    const leftMs = recoversWithinMs - (performance.now() - frozenAtMs);
    const stays = [
      ...(await notInTime("another agent is ready", () => agentPid() !== frozen, leftMs)),
      ...(await notInTime("the page is ready again", async () => (await window.state) === "ready", 20_000)),
    ];
    if (stays.length === 0) {
      const again = await window.scan();
      if (again.said !== "accepted") stays.push(`after the restart the page said ${again.said} of a good card`);
    }
    if (agentPid() === frozen) process.kill(frozen, "SIGCONT");
    return { I3: falseGreen, I4: silent, I6: stays };
  });

/** Stands still for a while and goes on: what was called not recorded in the meantime is not recorded then. */
const thawed = (options: SceneOptions): Promise<FaultOutcome> =>
  scene(options, async ({ window, station, agentPid }) => {
    const rows = () => station.journal().entries.length;
    const silent: string[] = [];
    const first = await window.scan();
    if (first.said !== "accepted") silent.push(`the page said ${first.said} of a good card`);
    await window.shows("ready");
    const before = rows();
    await freeze(agentPid());
    // Before the page knows: it has still a connection, so the scan goes into it.
    const { said, ms } = await window.scan();
    if (said !== "not-recorded" || ms > toldWithinMs) silent.push(`the page said ${said} after ${Math.round(ms)} ms`);
    await window.shows("lost");
    process.kill(agentPid(), "SIGCONT");
    const stays = await notInTime("the page is ready", async () => (await window.state) === "ready", recoversWithinMs);
    const next = await window.scan();
    if (next.said !== "accepted") stays.push(`after the freeze the page said ${next.said} of a good card`);
    const late = rows() > before + 1 ? ["a scan that was called not recorded was recorded after the freeze"] : [];
    return { I2: late, I4: silent, I6: stays };
  });

/** The window stands still: the agent records on, and what the window then shows is of now. */
const windowFrozen = (effort: Effort): Promise<FaultOutcome> =>
  scene({}, async ({ window, agent, oracle }) => {
    const silent: string[] = [];
    const first = await window.scan();
    if (first.said !== "accepted") silent.push(`the page said ${first.said} of a good card`);
    const renderers = await window.renderers();
    for (const pid of renderers) await freeze(pid);
    const frozenUntil = performance.now() + (effort === "full" ? 60_000 : 10_000);
    while (performance.now() < frozenUntil) {
      const startedAtMs = performance.now();
      const answer = await agent.scan(oracle.issue());
      const ms = performance.now() - startedAtMs;
      if (answer?.verdict !== "accept") silent.push("a card was not accepted while the window stood still");
      if (ms > toldWithinMs) silent.push(`an answer took ${Math.round(ms)} ms while the window stood still`);
    }
    for (const pid of renderers) process.kill(pid, "SIGCONT");
    const stale = await notInTime("the window shows what is now", async () => (await window.state) === "ready", 20_000);
    const again = await window.scan();
    if (again.said !== "accepted") stale.push(`after the freeze the page said ${again.said} of a good card`);
    return { I3: stale, I4: silent };
  });

async function freeze(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until(`process ${pid} stands still`, () => isStopped(pid));
}

const control = (
  what: string,
  breaks: Control["breaks"],
  part: (options: SceneOptions) => Promise<FaultOutcome>,
  by: { readonly mutation?: Mutation; readonly prepare?: (page: Page) => Promise<unknown> },
): Control => ({
  without: what,
  breaks,
  mutations: by.mutation === undefined ? [] : [by.mutation],
  run: (program) => part({ program, prepare: by.prepare }),
});

export const fault: Fault = {
  number: 10,
  name: "the agent or the window stands still",
  everyCommit: false,
  run: async (effort) => {
    const outcomes: FaultOutcome[] = [];
    for (let round = 0; round < (effort === "full" ? 3 : 1); round++) {
      outcomes.push(await leftFrozen({}), await thawed({}));
    }
    return allOf(...outcomes, await windowFrozen(effort));
  },
  controls: [
    control("the watchdog", ["I6"], leftFrozen, {
      mutation: { text: "child.kill();\n\t\t", by: "\n\t\t", times: 1 },
    }),
    control("the page's own clock", ["I3", "I4"], leftFrozen, {
      // The sign of life it waits for, and the limit of an answer.
      prepare: (page) =>
        page.addInitScript(() => {
          const every = window.setInterval.bind(window);
          const after = window.setTimeout.bind(window);
          const none = (work: TimerHandler, ms?: number, ...values: unknown[]) =>
            ms === 500 ? 0 : every(work, ms, ...values);
          const never = (work: TimerHandler, ms?: number, ...values: unknown[]) =>
            ms === 1_900 ? 0 : after(work, ms, ...values);
          Object.assign(window, { setInterval: none, setTimeout: never });
        }),
    }),
    control("refusing a scan that is late", ["I2"], thawed, {
      mutation: {
        text: "if (intent.capturedAtMs !== void 0 && ",
        by: "if (false && ",
        times: 1,
      },
    }),
  ],
};
