type Log = (event: string, facts: Record<string, unknown>) => void;

/** Of events that are alike in every fact, so many are written in a window; the others are counted. */
const writtenInWindow = 5;
const windowMs = 10_000;

interface Alike {
  readonly event: string;
  readonly facts: Record<string, unknown>;
  count: number;
}

/**
 * Keeps a reader that floods rubbish, or anything else that repeats itself, from flooding the log: at the end of each window
 * one line says how often an event came beyond those written. Entries are never alike: each has its number.
 */
export class QuietLog implements Disposable {
  readonly #log: Log;
  readonly #alike = new Map<string, Alike>();
  readonly #timer: NodeJS.Timeout;

  constructor(log: Log) {
    this.#log = log;
    this.#timer = setInterval(() => this.#endWindow(), windowMs).unref();
  }

  readonly write: Log = (event, facts) => {
    const key = JSON.stringify([event, facts]);
    const alike = this.#alike.get(key) ?? { event, facts, count: 0 };
    this.#alike.set(key, alike);
    if (++alike.count <= writtenInWindow) this.#log(event, facts);
  };

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#endWindow();
  }

  #endWindow(): void {
    for (const { event, facts, count } of this.#alike.values()) {
      if (count > writtenInWindow) this.#log(event, { ...facts, andAgain: count - writtenInWindow });
    }
    this.#alike.clear();
  }
}
