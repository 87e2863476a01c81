/** The relays of this machine as the agent sees them: states in, pulses out, everything else in the guard process. */
import { type ChildProcess, spawn } from "node:child_process";
import { extname, join } from "node:path";
import type { GuardMessage, PulseRequest } from "./guard-messages.ts";
import { monotonicMs, type PulseReport } from "./pulsed-relay.ts";
import type { RelaySpec } from "./relay-spec.ts";
import type { RelayState } from "./supervised-board.ts";

export interface GuardedRelaysOptions {
  /** Told on change only. */
  readonly onState: (state: RelayState) => void;
  /** What became of each pulse. */
  readonly onReport: (report: PulseReport) => void;
}

/** Relays that are let go whatever becomes of this process. */
export interface GuardedRelays extends AsyncDisposable {
  /** Asks for one pulse and returns at once; see {@link GuardedRelaysOptions.onReport}. Never throws. */
  pulse(relayId: string): void;
}

/** Beside this file, as source and as built. */
const GUARD_FILE = join(import.meta.dirname, `relay-guard${extname(import.meta.filename)}`);
/** The first restart comes at once: a guard that was killed may have left a relay on, and opening switches it off. */
const RESTART_DELAYS_MS = [0, 500, 1000, 2000, 5000];
/** A guard that lived this long did not fail at starting. */
const STEADY_AFTER_MS = 10_000;
/** Longer than the guard gives its boards. */
const STOP_TIMEOUT_MS = 6000;

/** Starts the guard over these relays and keeps it running; dispose to switch everything off and end it. */
export function openGuardedRelays(specs: readonly RelaySpec[], options: GuardedRelaysOptions): GuardedRelays {
  let guard: ChildProcess | null = null;
  let stopping = false;
  let failures = 0;
  let restart: NodeJS.Timeout | undefined;
  const ended = Promise.withResolvers<void>();

  const start = (): void => {
    const startedMs = monotonicMs();
    const child = spawn(process.execPath, [GUARD_FILE, JSON.stringify(specs)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // Its own group: Ctrl+C and a killed group end the agent, and the guard then ends by itself, after its last OFF.
      detached: true,
      windowsHide: true,
      // Inside Electron the program is Electron's; plain Node does not look at it.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    });
    guard = child;
    child.on("message", (message: GuardMessage) => {
      if (message.kind === "state") options.onState(message.state);
      else options.onReport(message.report);
    });
    const gone = (why: string): void => {
      if (guard !== child) return;
      guard = null;
      if (stopping) return ended.resolve();
      if (monotonicMs() - startedMs > STEADY_AFTER_MS) failures = 0;
      const message = `The relay guard ended (${why}) and is started again: report it if it happens twice.`;
      for (const { id } of specs) options.onState({ relayId: id, state: "fault", code: "relay.failed", message });
      restart = setTimeout(start, RESTART_DELAYS_MS[Math.min(failures++, RESTART_DELAYS_MS.length - 1)]);
    };
    child.on("error", (error) => gone(error.message));
    child.on("exit", (code, signal) => gone(signal ?? `code ${code}`));
  };
  start();

  return {
    pulse(relayId) {
      const drop = (): void => options.onReport({ relayId, result: "dropped", why: "not-connected" });
      if (guard?.connected !== true) return drop();
      const request: PulseRequest = { relayId, askedMs: monotonicMs() };
      guard.send(request, (error) => {
        if (error !== null) drop();
      });
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      clearTimeout(restart);
      const last = guard;
      if (last === null) return;
      const timer = setTimeout(() => last.kill("SIGKILL"), STOP_TIMEOUT_MS);
      if (last.connected) last.disconnect();
      await ended.promise;
      clearTimeout(timer);
    },
  };
}
