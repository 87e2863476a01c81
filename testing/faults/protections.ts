import type { Mutation } from "./mutated-program.ts";

/** What controls take out of the built product, by what is then missing. */
export const without = {
  /** The journal and the embedded centre set the same pragma. */
  synchronousFull: [
    { text: '"synchronous",\n\t\t"FULL",\n\t\t2\n', by: '"synchronous",\n\t\t"NORMAL",\n\t\t1\n', times: 2 },
  ],
  /** The answer leaves before the commit, which follows 20 ms later, or with the next scan. */
  commitBeforeGreen: [
    {
      text: 'this.#statement("BEGIN IMMEDIATE").run();',
      by: 'globalThis.commitLate?.(); this.#statement("BEGIN IMMEDIATE").run();',
      times: 1,
    },
    {
      text: 'this.#statement("COMMIT").run();',
      by:
        'globalThis.commitLate = () => { globalThis.commitLate = undefined; this.#statement("COMMIT").run(); };' +
        "setTimeout(() => globalThis.commitLate?.(), 20);",
      times: 1,
    },
  ],
  /** What an opened journal shows may be known to the page cache only. */
  logOntoDiskAtOpening: [
    { text: "rewriteWal(`", by: "((_log) => {})(`", times: 1 },
    { text: '.pragma("wal_checkpoint(TRUNCATE)")', by: '.pragma("user_version") && [{ busy: 0 }]', times: 2 },
  ],
  /** A commit that failed counts as done. */
  failedCommit: [
    {
      text: 'this.#statement("COMMIT").run();',
      by: 'try { this.#statement("COMMIT").run(); } catch { if (database.inTransaction) this.#rollBack(database); }',
      times: 1,
    },
  ],
} as const satisfies Record<string, readonly Mutation[]>;
