/** Opens a serial port: with patience where waiting helps, and with the reason found where it does not. */
import { setTimeout as pause } from "node:timers/promises";
import { SerialPort } from "serialport";
import { ReaderFault } from "../reader.ts";
import { within } from "../time-limit.ts";
import { endWithDevice } from "./end-with-device.ts";
import { portIdentity } from "./port-identity.ts";
import { checkDeviceNode, isWindowsPort, openFault } from "./serial-fault.ts";
import { holderOf, type SerialTrap, serialTraps } from "./serial-traps.ts";

/** Limits of an opening, all with defaults. */
export interface OpeningLimits {
  /** How long the driver may take to open the port, in ms. */
  readonly openTimeoutMs?: number;
  /** How long a port may be busy with who held it before: long on Windows after a replug or a crash, in ms. */
  readonly busyWaitMs?: number;
  /** How long a device that was just plugged in may stay forbidden, until udev has set its mode, in ms. */
  readonly permissionWaitMs?: number;
}

export interface OpenedPort {
  readonly port: SerialPort;
  /** What the path meant when it was opened; null where nobody can tell. */
  readonly identity: string | null;
}

/** How long a look for the reason of a fault may take, in ms. */
const REASON_LIMIT_MS = 2000;

/**
 * Opens `path`, 8N1; each attempt has its own port object. Attach the listeners before anything else is awaited.
 * `hupcl` stays on, because many CDC devices transmit only while DTR is raised.
 *
 * @throws {ReaderFault} not-found, busy, permission, unplugged (Windows lost it) or failed, with the reason.
 */
export async function openSerialPort(path: string, baudRate: number, limits: OpeningLimits = {}): Promise<OpenedPort> {
  const open = async (): Promise<OpenedPort> => {
    await checkDeviceNode(path);
    const identity = await portIdentity(path).catch(() => null);
    const port = new SerialPort({ path, baudRate, dataBits: 8, parity: "none", stopBits: 1, autoOpen: false });
    endWithDevice(port);
    await openOnce(port, limits.openTimeoutMs ?? 10_000);
    return { port, identity };
  };
  try {
    return await openPatiently(path, open, limits);
  } catch (error) {
    throw await explained(path, openFault(path, error));
  }
}

/**
 * Calls `open` until it succeeds, as long as waiting helps: Windows denies a port for some seconds after a replug or a
 * crash of who held it (node-serialport #1502, #2220); Linux makes a node before udev sets its mode, and keeps the lock
 * of a closed port while a read of it is still on its way.
 *
 * @throws {ReaderFault} what the last attempt said.
 */
export async function openPatiently<T>(path: string, open: () => Promise<T>, limits: OpeningLimits = {}): Promise<T> {
  const begunMs = performance.now();
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const fault = openFault(path, error);
      const { forMs, everyMs } = patience(path, fault, limits);
      if (performance.now() - begunMs >= forMs) throw fault;
      await pause(everyMs);
    }
  }
}

function patience(path: string, fault: ReaderFault, limits: OpeningLimits): { forMs: number; everyMs: number } {
  const { busyWaitMs, permissionWaitMs = 1000 } = limits;
  if (fault.code === "reader.permission") return { forMs: permissionWaitMs, everyMs: 100 };
  if (fault.code === "reader.busy") {
    return isWindowsPort(path)
      ? { forMs: busyWaitMs ?? 10_000, everyMs: 500 }
      : { forMs: busyWaitMs ?? 500, everyMs: 50 };
  }
  return { forMs: 0, everyMs: 0 };
}

/** The fault with what stands in the way on this machine, where it can be found in time. */
async function explained(path: string, fault: ReaderFault): Promise<ReaderFault> {
  const reason = await within(reasonOf(path, fault), REASON_LIMIT_MS).catch(() => null);
  return reason === null ? fault : new ReaderFault(fault.code, reason, { cause: fault });
}

async function reasonOf(path: string, { code }: ReaderFault): Promise<string | null> {
  const trap = async (wanted: SerialTrap["code"]): Promise<string | null> =>
    (await serialTraps(path)).find((found) => found.code === wanted)?.message ?? null;
  switch (code) {
    case "reader.permission":
      return trap("permission");
    case "reader.busy": {
      const holder = await holderOf(path);
      if (holder !== null && !holder.startsWith("ModemManager")) {
        return holder === "this station"
          ? `This station itself has ${path} open already: name the port only once.`
          : `The program ${holder} holds the port ${path}: close it.`;
      }
      const reason = await trap("modem-manager");
      return reason === null ? null : `Another program holds the port ${path}; ${reason}`;
    }
    case "reader.not-found": {
      // Asked every few seconds while a reader is away, so only where it may be the reason.
      const reason = /ttyUSB\d+$/.test(path) ? await trap("brltty") : null;
      return reason === null ? null : `${path} is not there; ${reason}`;
    }
    default:
      return null;
  }
}

function openOnce(port: SerialPort, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    reject(
      new ReaderFault("reader.failed", `${port.path} did not open within ${timeoutMs} ms: plug the reader in again.`),
    );
  }, timeoutMs);
  port.open((error) => {
    clearTimeout(timer);
    if (error) reject(error);
    // Nobody waits for it any more; left open it would hold the port against the next attempt.
    else if (expired) port.close(() => {});
    else resolve();
  });
  return promise;
}

/** Closes the port; resolves when it is closed, or after `timeoutMs` when the driver does not answer. */
export function closeSerialPort(port: SerialPort, timeoutMs: number): Promise<void> {
  if (!port.isOpen) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  port.close(() => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}
