/** A reader on a serial port: USB CDC, a USB bridge or RS-232. */
import { type ByteFramerOptions, createByteFramer } from "../framing/byte-framer.ts";
import { createSilenceTimer } from "../framing/silence-timer.ts";
import { type PluggedSystem, thisMachine } from "../plugged/system.ts";
import type { RawTap } from "../raw-tap.ts";
import { type Reader, ReaderFault } from "../reader.ts";
import type { SerialReaderSpec } from "../reader-spec.ts";
import { createScanQueue } from "../scan-queue.ts";
import { within } from "../time-limit.ts";
import { closeSerialPort, type OpeningLimits, openSerialPort } from "./open-port.ts";
import { portIdentity, watchIdentity } from "./port-identity.ts";
import { portOwner } from "./port-owner.ts";
import { type SerialCommands, serialCommands } from "./serial-commands.ts";
import { isWindowsPort, unpluggedFault } from "./serial-fault.ts";
import { type SerialVendor, serialVendor } from "./serial-vendors.ts";

/** Limits of a serial reader, all with defaults. */
export interface SerialReaderOptions extends OpeningLimits {
  readonly framer?: ByteFramerOptions;
  /** Scans kept for a busy consumer before further ones are lost and marked. */
  readonly queueCapacity?: number;
  /** How often to check that the port is still the one that was opened, in ms. */
  readonly watchdogIntervalMs?: number;
  /** How long disposing waits for the port to close, in ms. */
  readonly closeTimeoutMs?: number;
  /** How long a command may take before it is given up, in ms. */
  readonly writeTimeoutMs?: number;
  /** Tells whose reader hangs on the port; this machine unless told. */
  readonly system?: Pick<PluggedSystem, "list">;
  /** Sees every chunk before it is framed: for recordings. */
  readonly onRaw?: RawTap | undefined;
}

/** How long a look for the maker may take, in ms; then nothing is sent to the reader. */
const OWNER_LIMIT_MS = 2000;

/**
 * Opens a serial reader, 8N1, listening at once.
 *
 * Each opening has its own port object and framer: a port object opened again keeps its parser, and the parser the
 * half line of before. The port is never paused: a paused port does not notice that its device went away.
 * Nothing is sent until the maker is known, by the USB device behind the port or by `vendor=`.
 *
 * Must not run in a worker thread: serialport's binding ends the process there (node-serialport #1938, #2250).
 *
 * @throws {ReaderFault} not-found, busy, permission or failed; later the iteration throws unplugged or failed.
 */
export async function openSerialReader(spec: SerialReaderSpec, options: SerialReaderOptions = {}): Promise<Reader> {
  const { path, id } = spec;
  const { port, identity } = await openSerialPort(path, spec.baudRate, options);
  const framer = createByteFramer(options.framer);
  const queue = createScanQueue(id, options.queueCapacity);
  const silence = createSilenceTimer(
    () => framer.deadlineMs(),
    () => {
      for (const frame of framer.expire(performance.now())) queue.push(frame);
    },
  );
  let watch: Disposable | undefined;
  let closing: Promise<void> | undefined;
  let commands: SerialCommands | undefined;

  const close = (): Promise<void> => {
    silence.stop();
    watch?.[Symbol.dispose]();
    framer.reset();
    closing ??= closeSerialPort(port, options.closeTimeoutMs ?? 2000);
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
    const bytes = commands?.answers.strip(chunk, framer.deadlineMs() === null, nowMs) ?? chunk;
    for (const frame of framer.push(bytes, nowMs)) queue.push(frame);
    silence.arm();
  });
  port.on("close", (error: unknown) => fail(unpluggedFault(path, error)));
  // A read of no bytes ends the stream without a close (Windows: node-serialport #1836; Linux: endWithDevice).
  port.on("end", () => fail(unpluggedFault(path)));
  port.on("error", (error) => fail(failedFault(path, error)));

  if (identity !== null) {
    const everyMs = options.watchdogIntervalMs ?? (isWindowsPort(path) ? 5000 : 2000);
    watch = watchIdentity(
      identity,
      () => portIdentity(path),
      everyMs,
      () => fail(unpluggedFault(path)),
    );
  }
  commands = serialCommands(await findVendor(spec, options), port, options.writeTimeoutMs ?? 1000);

  return {
    id,
    commands: commands.commands,
    command: (command) => (closing === undefined ? commands.command(command) : Promise.resolve(false)),
    [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator](),
    [Symbol.asyncDispose]: () => {
      queue.close();
      return close();
    },
  };
}

async function findVendor(spec: SerialReaderSpec, options: SerialReaderOptions): Promise<SerialVendor | null> {
  const looking = portOwner(spec.path, options.system ?? thisMachine());
  const owner = await within(looking, OWNER_LIMIT_MS).catch(() => null);
  return serialVendor(spec.vendor, owner?.vendorId ?? null);
}

function failedFault(path: string, error: Error): ReaderFault {
  return new ReaderFault("reader.failed", `The port ${path} failed (${error.message}): plug the reader in again.`, {
    cause: error,
  });
}
