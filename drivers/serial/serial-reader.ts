/** A reader on a serial port: USB CDC, a USB bridge or RS-232. Reads only; a port's vendor is not known here. */
import { stat } from "node:fs/promises";
import { SerialPort } from "serialport";
import { type ByteFramerOptions, createByteFramer } from "../framing/byte-framer.ts";
import { createSilenceTimer } from "../framing/silence-timer.ts";
import type { RawTap } from "../raw-tap.ts";
import { obeysNothing, type Reader, ReaderFault } from "../reader.ts";
import type { SerialReaderSpec } from "../reader-spec.ts";
import { createScanQueue } from "../scan-queue.ts";
import { checkDeviceNode, isWindowsPort, openFault, unpluggedFault } from "./serial-fault.ts";

/** Limits of a serial reader, all with defaults. */
export interface SerialReaderOptions {
  readonly framer?: ByteFramerOptions;
  /** Scans kept for a busy consumer before further ones are lost and marked. */
  readonly queueCapacity?: number;
  /** How often to check that the device node is still the one that was opened, in ms. */
  readonly watchdogIntervalMs?: number;
  readonly openTimeoutMs?: number;
  /** How long disposing waits for the port to close, in ms. */
  readonly closeTimeoutMs?: number;
  /** Sees every chunk before it is framed: for recordings. */
  readonly onRaw?: RawTap | undefined;
}

/**
 * Opens a serial reader, 8N1, listening at once.
 *
 * Each opening has its own port object and framer: a port object opened again keeps its parser, and the parser the
 * half line of before. The port is never paused: a paused port does not notice that its device went away.
 * `hupcl` stays on, because many CDC devices transmit only while DTR is raised.
 *
 * Must not run in a worker thread: serialport's binding ends the process there (node-serialport #1938, #2250).
 *
 * @throws {ReaderFault} not-found, busy, permission or failed; later the iteration throws unplugged or failed.
 */
export async function openSerialReader(spec: SerialReaderSpec, options: SerialReaderOptions = {}): Promise<Reader> {
  const { path, id } = spec;
  await checkDeviceNode(path);
  const framer = createByteFramer(options.framer);
  const queue = createScanQueue(id, options.queueCapacity);
  const port = new SerialPort({
    path,
    baudRate: spec.baudRate,
    dataBits: 8,
    parity: "none",
    stopBits: 1,
    autoOpen: false,
  });
  const silence = createSilenceTimer(
    () => framer.deadlineMs(),
    () => {
      for (const frame of framer.expire(performance.now())) queue.push(frame);
    },
  );
  let watchdog: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;

  const close = (): Promise<void> => {
    silence.stop();
    clearInterval(watchdog);
    framer.reset();
    closing ??= closePort(port, options.closeTimeoutMs ?? 2000);
    return closing;
  };

  const fail = (fault: ReaderFault): void => {
    queue.fail(fault);
    void close();
  };

  port.on("data", (chunk: Buffer) => {
    if (closing !== undefined) return;
    const nowMs = performance.now();
    options.onRaw?.({ kind: "bytes", bytes: chunk, atMs: nowMs });
    for (const frame of framer.push(chunk, nowMs)) queue.push(frame);
    silence.arm();
  });
  port.on("close", (error: unknown) => fail(unpluggedFault(path, error)));
  // A read of no bytes ends the stream without a close (seen on Windows, node-serialport #1836).
  port.on("end", () => fail(unpluggedFault(path)));
  port.on("error", (error) => fail(failedFault(path, error)));

  try {
    await openPort(port, options.openTimeoutMs ?? 10_000);
  } catch (error) {
    void close();
    throw error;
  }
  const openedNode = await nodeIdentity(path);
  if (openedNode !== null && closing === undefined) {
    watchdog = setInterval(() => {
      void nodeIdentity(path).then((node) => {
        if (node !== openedNode && closing === undefined) fail(unpluggedFault(path));
      });
    }, options.watchdogIntervalMs ?? 2000);
    watchdog.unref();
  }

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

function failedFault(path: string, error: Error): ReaderFault {
  return new ReaderFault("reader.failed", `The port ${path} failed (${error.message}): plug the reader in again.`, {
    cause: error,
  });
}

/**
 * Which device the path means now; null when there is none. A node that was unplugged and plugged in again has the
 * same name and another inode, so a replug between two looks is seen too. Windows has no node: its driver tells.
 */
async function nodeIdentity(path: string): Promise<string | null> {
  if (isWindowsPort(path)) return null;
  try {
    const { dev, ino, rdev } = await stat(path);
    return `${dev}:${ino}:${rdev}`;
  } catch {
    return null;
  }
}

function openPort(port: SerialPort, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      reject(
        new ReaderFault("reader.failed", `${port.path} did not open within ${timeoutMs} ms: plug the reader in again.`),
      );
    }, timeoutMs);
    port.open((error) => {
      clearTimeout(timer);
      if (expired) {
        // Nobody waits for it any more; left open it would hold the port against the next attempt.
        if (error === null) port.close(() => {});
      } else if (error !== null && error !== undefined) {
        reject(openFault(port.path, error));
      } else {
        resolve();
      }
    });
  });
}

/** Closes the port; resolves when it is closed, or after `timeoutMs` when the driver does not answer. */
function closePort(port: SerialPort, timeoutMs: number): Promise<void> {
  if (!port.isOpen) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    port.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
