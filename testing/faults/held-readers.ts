import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";
import { createPtyDevice, type PtyDevice } from "../pty.ts";
import { until } from "../until.ts";
import type { Issued } from "./oracle.ts";
import type { AgentUnderTest } from "./station-under-test.ts";

/** What one agent said of one reader's scans, with when it came across. */
export interface Heard {
  readonly outcome: ScanOutcome;
  readonly atMs: number;
}

/** Readers on pseudo-terminals, held by a test: what is scanned on each, and what the agent says of it. */
export class HeldReaders implements AsyncDisposable {
  readonly ptys: readonly PtyDevice[];
  readonly #heard = new Map<string, Heard[]>();

  private constructor(ptys: readonly PtyDevice[]) {
    this.ptys = ptys;
  }

  static async plugIn(count: number): Promise<HeldReaders> {
    return new HeldReaders(await Promise.all(Array.from({ length: count }, () => createPtyDevice())));
  }

  /** For the agent's configuration; each reads `in` unless told. */
  specs(...directions: ("in" | "out" | "auto")[]): string[] {
    return this.ptys.map(
      ({ path }, index) => `serial:${path}?direction=${directions[index] ?? "in"}&name=Reader ${index + 1}`,
    );
  }

  /** Waits until this agent has opened these readers, and notes what it says of them from now on. */
  async heardBy(agent: AgentUnderTest, ptys: readonly PtyDevice[] = this.ptys): Promise<void> {
    const client = await agent.client();
    client
      .next(
        (message) => {
          if (message.type === "outcome") this.#note(message.outcome);
          return undefined;
        },
        3_600_000,
        "scans",
      )
      .catch(() => {});
    for (const pty of ptys) await this.ready(agent, pty);
  }

  /** Waits until this agent reads from this reader; bytes sent before would be lost, as on any serial port. */
  async ready(agent: AgentUnderTest, pty: PtyDevice, state = "ready"): Promise<void> {
    const client = await agent.client();
    await client.view(
      ({ readers }) => (readers.some((reader) => reader.id === idOf(pty) && reader.state === state) ? true : undefined),
      60_000,
      `reader ${state}`,
    );
  }

  /** Everything said of this reader so far, in order. */
  said(pty: PtyDevice): readonly Heard[] {
    return this.saidOf(idOf(pty));
  }

  /** The same for whatever else captures, by its id. */
  saidOf(readerId: string): readonly Heard[] {
    return this.#heard.get(readerId) ?? [];
  }

  /** Scans a card and waits for the next thing said of this reader; null when nothing is. */
  async scan(pty: PtyDevice, card: Pick<Issued, "payload">, withinMs = 10_000): Promise<ScanOutcome | null> {
    const before = this.said(pty).length;
    await pty.write(`${card.payload}\r\n`);
    return this.next(pty, before, withinMs);
  }

  /** What was said after the first `count` of this reader. */
  next(pty: PtyDevice, count: number, withinMs = 10_000): Promise<ScanOutcome | null> {
    return until("the reader's scan is answered", () => this.said(pty)[count]?.outcome, withinMs).catch(() => null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.ptys.map((pty) => pty[Symbol.asyncDispose]()));
  }

  #note(outcome: ScanOutcome): void {
    const heard = this.#heard.get(outcome.readerId) ?? [];
    heard.push({ outcome, atMs: performance.now() });
    this.#heard.set(outcome.readerId, heard);
  }
}

function idOf({ path }: PtyDevice): string {
  return `serial:${path}`;
}
