import { type MessagePortMain, type UtilityProcess, utilityProcess } from "electron";
import type { LaunchOptions } from "./launch-options.ts";
import { report } from "./report.ts";
import { decideRestart } from "./restart-delay.ts";

const tickMs = 1_000;
/** Working, the agent reports progress every two seconds (`cli/launch/parent.ts`); a start may take longer. */
const stuckAfterTicks = { working: 20, starting: 600 };

/** Runs `agent --json --config FILE` as a utility process, again and again: `onStarted` for each, `onGone` when it has ended. One that makes no progress is killed. */
export function keepAgentRunning(options: LaunchOptions, events: { onStarted(): void; onGone(): void }) {
  let running: UtilityProcess | null = null;
  let failures = 0;
  let stopped = false;

  const start = () => {
    if (stopped) return;
    const startedAtMs = performance.now();
    const child = utilityProcess.fork(
      options.agentEntry,
      ["agent", "--no-supervisor", "--json", "--config", options.agentConfig],
      {
        serviceName: "tram-agent",
        stdio: "inherit",
      },
    );
    // Without a listener an "error" would end the shell with the agent; its exit follows and starts the next one.
    child.on("error", (type) => report("agent-error", { type }));
    let phase: keyof typeof stuckAfterTicks = "starting";
    let silentTicks = 0;
    child.on("message", (message: { phase?: unknown } | null) => {
      if (message?.phase !== "working") return;
      phase = "working";
      silentTicks = 0;
    });
    const watch = setInterval(() => {
      if (++silentTicks !== stuckAfterTicks[phase] || child.pid === undefined) return;
      report("agent-stuck", { silentS: silentTicks });
      // Electron's own kill is a request, which a stopped process does not hear.
      process.kill(child.pid, "SIGKILL");
    }, tickMs);
    child.on("spawn", () => {
      running = child;
      events.onStarted();
    });
    child.on("exit", (code) => {
      running = null;
      clearInterval(watch);
      events.onGone();
      const restart = decideRestart(failures, performance.now() - startedAtMs);
      failures = restart.failures;
      report("agent-exit", { code, restartInMs: restart.delayMs });
      setTimeout(start, restart.delayMs);
    });
  };

  start();
  return {
    /** Hands the agent its end of a page's port; false when no agent runs, then the port is closed. */
    givePort(port: MessagePortMain): boolean {
      if (!running) port.close();
      running?.postMessage({ type: "kiosk-port" }, [port]);
      return running !== null;
    },
    /** Ends the agent (it drains on SIGTERM) and starts no other one. */
    stop(): void {
      stopped = true;
      running?.kill();
    },
  };
}
