import type { FastifyBaseLogger } from "fastify";
import type { Clock } from "./clock.ts";
import { HttpProblem } from "./http-problem.ts";
import { faultOf } from "./http-rules.ts";
import type { NewAccessRecord } from "./store/access-record-store.ts";
import type { Store } from "./store/store.ts";

/** Who looked at or changed what, kept for good. */
export interface AccessLog {
  /** One line in the running transaction `within`: it is there exactly when the change it tells of is. */
  write(within: Store, record: NewAccessRecord): Promise<void>;
  /**
   * One line of its own, committed before this resolves: call it before data leaves.
   * @throws HttpProblem `unavailable` when it cannot be written, so that nothing leaves.
   */
  writeFirst(record: NewAccessRecord): Promise<void>;
  /** Publishes the last head and stops. */
  close(): Promise<void>;
}

/** Heads of one second are told as one: a chain that somebody cut after it was told is seen to be shorter. */
const publishAfterMs = 1000;

/**
 * The access log over a store. The head of the chain (number and hash, nothing else) goes to the log file within a
 * second of every change: whoever cuts or rewrites the end of the table does not reach what the log file says.
 */
export function accessLogOver(store: Store, clock: Clock, logger: FastifyBaseLogger): AccessLog {
  // Also where the service's log is set to warnings only.
  const heads = logger.child({}, { level: "info" });
  let timer: NodeJS.Timeout | null = null;
  let told = -1;
  const publish = async (): Promise<void> => {
    timer = null;
    try {
      const { seq, hash } = await store.accessRecords.head();
      if (seq === told) return;
      heads.info({ seq, hash }, "access log head");
      told = seq;
    } catch (error) {
      logger.error({ fault: faultOf(error) }, "the head of the access log could not be read");
    }
  };
  const soon = () => {
    timer ??= setTimeout(() => void publish(), publishAfterMs).unref();
  };
  const write = async (within: Store, record: NewAccessRecord): Promise<void> => {
    await within.accessRecords.add(record, clock.now());
    soon();
  };
  return {
    write,
    async writeFirst(record) {
      try {
        await store.transaction((within) => write(within, record));
      } catch (error) {
        logger.error({ fault: faultOf(error) }, "the access log could not be written; nothing was shown");
        throw new HttpProblem("unavailable", "The access log cannot be written now, so nothing is shown; try again.", {
          retryAfterS: 30,
        });
      }
    },
    async close() {
      if (timer) clearTimeout(timer);
      await publish();
    },
  };
}
