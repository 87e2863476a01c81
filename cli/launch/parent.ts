import { z } from "zod";
import { AgentError } from "../../provisioning/agent-error.ts";

/** Why a program could not go on: one sentence, which says what to do, with the stable code where it has one. */
const toldFault = z.object({ type: z.literal("fault"), code: z.string().nullable(), sentence: z.string() });

export type ToldFault = z.infer<typeof toldFault>;

/**
 * What a child tells its parent. `starting`: its event loop turned, it does not work yet. `working`: its event loop
 * turned and after that its journal answered.
 */
export const childMessage = z.discriminatedUnion("type", [
  toldFault,
  z.object({ type: z.literal("progress"), phase: z.enum(["starting", "working"]) }),
]);

export type ChildMessage = z.infer<typeof childMessage>;

/** Electron's utility process has this port in the place of Node's channel. */
interface ParentPort {
  postMessage(message: ChildMessage): void;
}

const reportEveryMs = 2_000;

/**
 * Reports to the parent, where there is one, that this process makes progress: from now on that it is starting, and after
 * `workWith` that it works, each time `alive` has resolved. While `alive` does not, nothing is reported.
 */
export function reportProgress(): { workWith(alive: () => Promise<void>): void } {
  let alive: (() => Promise<void>) | null = null;
  const report = (): void => {
    const phase = alive === null ? "starting" : "working";
    Promise.resolve(alive?.())
      .then(
        () => tell({ type: "progress", phase }),
        () => {},
      )
      .finally(() => setTimeout(report, reportEveryMs).unref());
  };
  report();
  return {
    workWith(work) {
      alive = work;
    },
  };
}

/** True when a parent takes this fault and says it to people. */
export function tellFault(error: Error): Promise<boolean> {
  const code = error instanceof AgentError ? error.code : null;
  return tell({ type: "fault", code, sentence: error.message });
}

function tell(message: ChildMessage): Promise<boolean> {
  const { parentPort } = process as { parentPort?: ParentPort };
  parentPort?.postMessage(message);
  if (process.send === undefined || !process.connected) return Promise.resolve(false);
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, (error) => resolve(error === null));
  });
}
