/** Looks at what is plugged in whenever it may have changed, one look at a time. */
import type { PluggedDevice } from "./plugged-device.ts";
import type { PluggedSystem } from "./system.ts";

/** How long after a hint the look waits: a device makes several nodes, and udev then sets their modes. */
const SETTLE_MS = 300;

/**
 * Calls `onLook` with everything plugged in: now, shortly after every hint of the system, and now and then without
 * one. A device that comes and goes all the time causes one look per settling time, never more, and no look begins
 * before what `onLook` returned is settled. Dispose it to stop; no call comes after that.
 */
export function watchPlugged(
  system: PluggedSystem,
  onLook: (devices: readonly PluggedDevice[]) => void | Promise<void>,
): Disposable {
  let stopped = false;
  let looking = false;
  let hinted = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void look(), delayMs);
  };
  const look = async (): Promise<void> => {
    looking = true;
    hinted = false;
    const devices = await system.list();
    if (!stopped) await onLook(devices);
    looking = false;
    if (!stopped) schedule(hinted ? SETTLE_MS : system.lookEveryMs);
  };
  const hints = system.hints(() => {
    if (hinted || stopped) return;
    hinted = true;
    if (!looking) schedule(SETTLE_MS);
  });
  void look();

  return {
    [Symbol.dispose]() {
      stopped = true;
      clearTimeout(timer);
      hints[Symbol.dispose]();
    },
  };
}
