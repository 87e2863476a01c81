/** A reader in HID POS mode (usage page 0x8C): reads its scans, and asks of it what its family is known to obey. */
import { realpath } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { createDeviceWriter } from "../device-writer.ts";
import { createSilenceTimer } from "../framing/silence-timer.ts";
import type { RawTap } from "../raw-tap.ts";
import type { Reader, ReaderFault } from "../reader.ts";
import type { HidReaderSpec } from "../reader-spec.ts";
import { createScanQueue } from "../scan-queue.ts";
import { within } from "../time-limit.ts";
import { commandReports } from "./commands.ts";
import { familyOf } from "./families.ts";
import { findScanner, type Scanner } from "./find-scanner.ts";
import { createNodeHidAccess, type HidAccess, type HidHandle, type HidListeners, isDeviceNode } from "./hid-access.ts";
import { hidFault } from "./hid-fault.ts";
import { createLayoutResolver, describedLayout } from "./layouts.ts";
import { createReportAssembler, type ReportAssemblerOptions } from "./reassembly.ts";
import { parseScannerDescriptor } from "./report-descriptor.ts";
import { neededTakeover, takeOver } from "./takeover.ts";
import { noticeUnknownLayout, unknownLayoutFault } from "./unknown-layout.ts";

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
  /** How long a command may take before it is given up, in ms. */
  readonly writeTimeoutMs?: number;
  /** Sees every report before anything is understood: for recordings. */
  readonly onRaw?: RawTap | undefined;
}

/** How often, and how far apart, the list of devices is looked at after an error before "unplugged" is ruled out. */
const GONE_LOOKS = 5;
const GONE_LOOK_MS = 100;
const LIST_TIMEOUT_MS = 1000;
const PERMISSION_RETRY_MS = 100;
/** How long after a command its answer is not taken for a scan, in ms. */
const REPLY_MS = 1000;

/**
 * Opens a reader in HID POS mode, listening at once. Only a path with the collection 8C:02 is opened: Honeywell's
 * second interface has page FF8C, which looks alike and never delivers a scan.
 *
 * The layout of its reports comes from the report descriptor where the system hands it out (Linux), else from the
 * reports themselves. Each opening has its own handle, layout and assembler. Reading never pauses: hidraw keeps
 * 63 reports and drops the rest silently.
 *
 * A Honeywell in keyboard mode lists a HID POS collection beside its keyboard and is told to send its scans there.
 *
 * @throws {ReaderFault} not-found, wrong-mode, busy, permission or failed; later the iteration throws unplugged,
 * unknown-layout or failed.
 */
export async function openHidPosReader(spec: HidReaderSpec, options: HidPosReaderOptions = {}): Promise<Reader> {
  const { access = createNodeHidAccess(), openTimeoutMs = 10_000, closeTimeoutMs = 2000 } = options;
  const { id } = spec;
  const path = await followLink(spec.path);
  const devices = await within(access.list(), openTimeoutMs).catch((error: unknown) => {
    throw hidFault(path, error, { during: "open", usb: null });
  });
  const scanner = findScanner(devices, path);
  const descriptorBytes = await access.reportDescriptor(scanner.path);
  const descriptor = descriptorBytes === null ? null : parseScannerDescriptor(descriptorBytes);
  const family = familyOf(scanner.vendorId, descriptor);
  const reports = commandReports(family, descriptor);
  const writer = createDeviceWriter(options.writeTimeoutMs ?? 1000);
  const layouts = noticeUnknownLayout(
    descriptor === null ? createLayoutResolver(scanner.vendorId) : describedLayout(descriptor.layout),
    (report) => end(unknownLayoutFault(scanner, path, report)),
  );
  const assembler = createReportAssembler(layouts, options.assembler);
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

  const stop = (): void => {
    ended = true;
    silence.stop();
    assembler.reset();
  };

  const close = (): Promise<void> => {
    stop();
    if (handle !== undefined) closing ??= closeHandle(handle, closeTimeoutMs);
    return closing ?? Promise.resolve();
  };

  const end = (fault: ReaderFault): void => {
    queue.fail(fault);
    void close();
  };

  /** The handle is closed at once: while a dead one is open, Linux gives the same reader another name. */
  const fail = async (error: unknown): Promise<void> => {
    if (ended) return;
    const looking = isGone(access, scanner.path);
    void close();
    queue.fail(hidFault(path, error, { during: "read", gone: await looking }));
  };

  const { vendorId, productId } = scanner;
  options.onRaw?.({ kind: "hid", vendorId, productId, descriptor: descriptorBytes });
  const opened = await openDevice(access, scanner, options, {
    onReport(report) {
      if (ended) return;
      const nowMs = performance.now();
      options.onRaw?.({ kind: "report", bytes: report, atMs: nowMs });
      for (const frame of assembler.push(report, nowMs)) queue.push(frame);
      if (!ended) silence.arm();
    },
    onError: (error) => void fail(error),
  });
  handle = opened;
  if (ended) void close(); // It failed before the handle was in our hands.

  const takeover = neededTakeover(scanner, devices, family, descriptor);
  const giveBack = takeover === null || ended ? null : takeOver(takeover, opened, writer);
  let disposing: Promise<void> | undefined;

  const dispose = async (): Promise<void> => {
    queue.close();
    const wasReading = !ended;
    stop();
    if (wasReading) await giveBack?.();
    await close();
  };

  return {
    id,
    commands: reports.commands,
    command(command) {
      const report = reports.encode(command);
      if (report === null || ended) return Promise.resolve(false);
      return writer.send(async () => {
        if (ended) throw new Error("closed before its turn");
        if (reports.areAnswered) assembler.expectReply(performance.now() + REPLY_MS);
        return opened.write(report);
      });
    },
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    [Symbol.asyncDispose]() {
      disposing ??= dispose();
      return disposing;
    },
  };
}

/** hidapi knows `/dev/hidraw0`, people may name the link a udev rule makes. */
async function followLink(path: string): Promise<string> {
  return isDeviceNode(path) ? realpath(path).catch(() => path) : path;
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
      const fault = hidFault(scanner.path, error, { during: "open", usb: scanner });
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
