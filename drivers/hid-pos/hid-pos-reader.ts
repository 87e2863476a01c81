/** A reader in HID POS mode (usage page 0x8C). Reads only: commands need to know the family first. */
import { realpath } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { createSilenceTimer } from "../framing/silence-timer.ts";
import { obeysNothing, type Reader, ReaderFault } from "../reader.ts";
import type { HidReaderSpec } from "../reader-spec.ts";
import { createScanQueue } from "../scan-queue.ts";
import {
  createNodeHidAccess,
  type HidAccess,
  type HidDevice,
  type HidHandle,
  type HidListeners,
  isDeviceNode,
} from "./hid-access.ts";
import { hidFault, notFoundFault } from "./hid-fault.ts";
import { createLayoutResolver, describedLayout, type LayoutSource } from "./layouts.ts";
import { createReportAssembler, type ReportAssemblerOptions } from "./reassembly.ts";
import { parseScannerDescriptor } from "./report-descriptor.ts";

/** Limits of a HID POS reader, all with defaults. */
export interface HidPosReaderOptions {
  readonly access?: HidAccess;
  readonly assembler?: ReportAssemblerOptions;
  /** Scans kept for a busy consumer before further ones are lost and marked. */
  readonly queueCapacity?: number;
  readonly openTimeoutMs?: number;
  /** How long a device that was just plugged in may stay forbidden, until udev has set its mode, in ms. */
  readonly permissionWaitMs?: number;
  /** How long disposing waits for the device to close, in ms. */
  readonly closeTimeoutMs?: number;
}

/** How often, and how far apart, the list of devices is looked at after an error before "unplugged" is ruled out. */
const GONE_LOOKS = 5;
const GONE_LOOK_MS = 100;
const LIST_TIMEOUT_MS = 1000;
const PERMISSION_RETRY_MS = 100;

/**
 * Opens a reader in HID POS mode, listening at once. Only a path with the collection 8C:02 is opened: Honeywell's
 * second interface has page FF8C, which looks alike and never delivers a scan.
 *
 * The layout of its reports comes from the report descriptor where the system hands it out (Linux), else from the
 * reports themselves. Each opening has its own handle, layout and assembler. Reading never pauses: hidraw keeps
 * 63 reports and drops the rest silently.
 *
 * @throws {ReaderFault} not-found, busy, permission or failed; later the iteration throws unplugged or failed.
 */
export async function openHidPosReader(spec: HidReaderSpec, options: HidPosReaderOptions = {}): Promise<Reader> {
  const { access = createNodeHidAccess(), openTimeoutMs = 10_000, closeTimeoutMs = 2000 } = options;
  const { id } = spec;
  const path = await followLink(spec.path);
  const devices = await within(access.list(), openTimeoutMs).catch((error: unknown) => {
    throw hidFault(path, error, { during: "open", vendorId: null });
  });
  const scanner = findScanner(devices, path);
  const assembler = createReportAssembler(await layoutsOf(access, scanner), options.assembler);
  const queue = createScanQueue(id, options.queueCapacity);
  const silence = createSilenceTimer(
    () => assembler.deadlineMs(),
    () => {
      for (const frame of assembler.expire(performance.now())) queue.push(frame);
    },
  );
  let handle: HidHandle | undefined;
  let ended = false;
  let closing: Promise<void> | undefined;

  const close = (): Promise<void> => {
    ended = true;
    silence.stop();
    assembler.reset();
    if (handle !== undefined) closing ??= closeHandle(handle, closeTimeoutMs);
    return closing ?? Promise.resolve();
  };

  /** The handle is closed at once: while a dead one is open, Linux gives the same reader another name. */
  const fail = async (error: unknown): Promise<void> => {
    if (ended) return;
    const looking = isGone(access, scanner.path);
    void close();
    queue.fail(hidFault(path, error, { during: "read", gone: await looking }));
  };

  handle = await openDevice(access, scanner, options, {
    onReport(report) {
      if (ended) return;
      for (const frame of assembler.push(report, performance.now())) queue.push(frame);
      silence.arm();
    },
    onError: (error) => void fail(error),
  });
  if (ended) void close(); // It failed before the handle was in our hands.

  return {
    id,
    ...obeysNothing,
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => {
      queue.close();
      return close();
    },
  };
}

type Scanner = HidDevice & { readonly path: string };

/** hidapi knows `/dev/hidraw0`, people may name the link a udev rule makes. */
async function followLink(path: string): Promise<string> {
  return isDeviceNode(path) ? realpath(path).catch(() => path) : path;
}

/** The collection 8C:02 at `path`, the whole page compared. Windows paths have no case. */
function findScanner(devices: readonly HidDevice[], path: string): Scanner {
  const samePath = (device: HidDevice): boolean =>
    isDeviceNode(path) ? device.path === path : device.path?.toLowerCase() === path.toLowerCase();
  const scanners = devices.filter(isScanner);
  const scanner = scanners.find(samePath);
  if (scanner !== undefined) return scanner;
  const found = devices.find(samePath);
  if (found === undefined) {
    throw notFoundFault(
      path,
      scanners.map((other) => other.path),
    );
  }
  const [page, usage] = [found.usagePage ?? 0, found.usage ?? 0].map((number) => number.toString(16).toUpperCase());
  throw new ReaderFault(
    "reader.failed",
    `${path} is not a reader in HID POS mode (it has usage ${page}:${usage}, not 8C:2): ` +
      "scan the setup code USB HID POS of its manual, or name its other path.",
  );
}

function isScanner(device: HidDevice): device is Scanner {
  return device.usagePage === 0x8c && device.usage === 0x02 && device.path !== undefined;
}

async function layoutsOf(access: HidAccess, scanner: Scanner): Promise<LayoutSource> {
  const descriptor = await access.reportDescriptor(scanner.path);
  const described = descriptor === null ? null : parseScannerDescriptor(descriptor);
  return described === null ? createLayoutResolver(scanner.vendorId) : describedLayout(described.layout);
}

/** Opens within the time limit; a device that was just plugged in may be forbidden until udev has set its mode. */
async function openDevice(
  access: HidAccess,
  scanner: Scanner,
  { openTimeoutMs = 10_000, permissionWaitMs = 1000 }: HidPosReaderOptions,
  listeners: HidListeners,
): Promise<HidHandle> {
  const permittedByMs = performance.now() + permissionWaitMs;
  for (;;) {
    const opening = access.open(scanner.path, listeners);
    try {
      return await within(opening, openTimeoutMs);
    } catch (error) {
      // One that opens after all would hold the reader against the next attempt.
      opening.then((late) => late.close()).catch(() => {});
      const fault = hidFault(scanner.path, error, { during: "open", vendorId: scanner.vendorId });
      if (fault.code !== "reader.permission" || performance.now() >= permittedByMs) throw fault;
    }
    await pause(PERMISSION_RETRY_MS);
  }
}

/** Whether the device left the list; it may leave it a moment after its error. */
async function isGone(access: HidAccess, path: string): Promise<boolean> {
  for (let look = 1; look <= GONE_LOOKS; look++) {
    if (look > 1) await pause(GONE_LOOK_MS);
    try {
      const devices = await within(access.list(), LIST_TIMEOUT_MS);
      if (!devices.some((device) => device.path === path)) return true;
    } catch {
      return false;
    }
  }
  return false;
}

/** Closes the device; resolves when it is closed, or after `timeoutMs` when the library does not answer. */
async function closeHandle(handle: HidHandle, timeoutMs: number): Promise<void> {
  // An error while closing changes nothing: the handle is given up either way.
  await within(handle.close(), timeoutMs).catch(() => {});
}

/** `work`, or an Error when it is not settled within `limitMs`. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
