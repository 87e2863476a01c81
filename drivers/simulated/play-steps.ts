/** Plays what a device sent, step by step, at the pace of the script. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import type { ReaderFaultCode } from "../reader.ts";
import type { DeviceStep } from "./reader-script.ts";

/** Where the steps go. */
export interface StepTarget<Sent> {
  readonly send: (sent: Sent) => void;
  readonly fault: (code: ReaderFaultCode) => void;
}

/** Plays until a fault, the end or `stopped`; each step in a turn of its own, as a device's reports come. */
export async function playSteps<Sent>(
  steps: readonly DeviceStep<Sent>[],
  { send, fault }: StepTarget<Sent>,
  stopped: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    if (step.kind === "wait") await silence(step.durationMs, stopped);
    else await nextTurn();
    if (stopped.aborted) return;
    if (step.kind === "send") send(step.sent);
    if (step.kind === "fault") return fault(step.code);
  }
}

/** Waits, at most until `stopped`. */
export async function silence(durationMs: number, stopped: AbortSignal): Promise<void> {
  try {
    await pause(durationMs, undefined, { signal: stopped });
  } catch (error) {
    if (!stopped.aborted) throw error;
  }
}
