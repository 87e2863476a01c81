import { z } from "zod";
import { type CodeKeys, codeKeys } from "../contract/code-keys.ts";
import { operations } from "../contract/operations.ts";
import type { Clock } from "./clock.ts";
import type { CentralApi } from "./sync/central-api.ts";

/** The keys of a centre as kept between starts. */
export const keptCodeKeys = z.object({
  /** Address of the centre they are of: another centre's set counts anew. */
  central: z.string(),
  set: codeKeys,
});
export type KeptCodeKeys = z.infer<typeof keptCodeKeys>;

export interface CodeKeyKeeperOptions {
  readonly api: Pick<CentralApi, "call">;
  /** Address of the centre the machine belongs to now; null while nobody told it one. */
  readonly central: () => string | null;
  readonly clock: Pick<Clock, "monoMs">;
  readonly kept: KeptCodeKeys | null;
  /** Keeps a set for the offline days. */
  readonly keep: (kept: KeptCodeKeys) => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

const everyMs = 6 * 3_600_000;
const retryMs = 5 * 60_000;
/** A poster of another centre must not make a machine ask with every scan. */
const unknownKeyEveryMs = 10 * 60_000;

/**
 * Keeps the public keys that place codes are checked with. A failed or strange answer changes nothing: a set is only
 * ever replaced by a later one of the same centre, and never by an empty one.
 */
export class CodeKeyKeeper {
  readonly #options: CodeKeyKeeperOptions;
  readonly #stopping = new AbortController();
  #kept: KeptCodeKeys | null;
  #timer: NodeJS.Timeout | null = null;
  #fetching: Promise<void> | null = null;
  #askedForUnknownMono = Number.NEGATIVE_INFINITY;

  constructor(options: CodeKeyKeeperOptions) {
    this.#options = options;
    this.#kept = options.kept;
  }

  /** Null before the centre told its keys for the first time. */
  get keys(): CodeKeys["keys"] | null {
    return this.#set?.keys ?? null;
  }

  start(): void {
    void this.#fetch();
  }

  /** The machine belongs to another centre from now on: the keys of the one before say nothing of its posters. */
  moved(): void {
    void (this.#fetching ?? Promise.resolve()).then(() => this.#fetch());
  }

  /** A code was signed with a key that is not in the set: perhaps there is a later set. */
  unknownKey(): void {
    const now = this.#options.clock.monoMs();
    if (now - this.#askedForUnknownMono < unknownKeyEveryMs) return;
    this.#askedForUnknownMono = now;
    void this.#fetch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#timer) clearTimeout(this.#timer);
    await this.#fetching;
  }

  get #set(): CodeKeys | null {
    return this.#kept?.central === this.#options.central() ? this.#kept.set : null;
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    const { api, central, log } = this.#options;
    if (this.#timer) clearTimeout(this.#timer);
    const { signal } = this.#stopping;
    const asked = central();
    if (asked === null || signal.aborted) return;
    const reply = await api.call({ operation: operations.listCodeKeys, schema: codeKeys, cancelled: signal });
    if (signal.aborted || central() !== asked) return;
    this.#timer = setTimeout(() => void this.#fetch(), reply.kind === "ok" ? everyMs : retryMs);
    this.#timer.unref();
    if (reply.kind === "ok") this.#take(asked, reply.value);
    else log("code-keys.not-fetched", { reply: reply.kind, kept: this.#set?.set_version ?? null });
  }

  #take(central: string, set: CodeKeys): void {
    const { keep, log } = this.#options;
    const known = this.#set;
    if (JSON.stringify(set) === JSON.stringify(known)) return;
    if (set.keys.length === 0 || (known !== null && set.set_version <= known.set_version)) {
      log("security.code-keys-refused", { known: known?.set_version ?? null, offered: set.set_version });
      return;
    }
    this.#kept = { central, set };
    keep(this.#kept);
    log("code-keys.kept", { version: set.set_version, keys: set.keys.length });
  }
}
