/** A relay board on a serial line: USB CDC, a USB bridge, RS-232 or RS-485. */
import { SerialPort } from "serialport";
import { ReaderFault } from "../reader.ts";
import { checkDeviceNode, openFault } from "../serial/serial-fault.ts";
import type { RelayBoard } from "./relay-board.ts";
import { RelayFault } from "./relay-fault.ts";
import type { RelayBoardKind } from "./relay-spec.ts";
import { type RelayExchange, serialProtocols } from "./serial-protocols.ts";

/** Which board to open. */
export interface SerialBoardAddress {
  readonly board: Exclude<RelayBoardKind, "dcttech">;
  readonly path: string;
  readonly baudRate: number;
}

const OPEN_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2000;
/** 8 bytes each way at 9600 are 17 ms; RS-485 boards may think for 100 ms. */
const ANSWER_TIMEOUT_MS = 400;

/**
 * Opens a serial relay board, 8N1, and listens: a port nobody reads does not notice that its device went away.
 *
 * @throws {RelayFault} not-found, busy, permission or failed.
 */
export async function openSerialBoard(address: SerialBoardAddress): Promise<RelayBoard> {
  const { path, baudRate } = address;
  const protocol = serialProtocols[address.board];
  const port = new SerialPort({ path, baudRate, dataBits: 8, parity: "none", stopBits: 1, autoOpen: false });
  const gone = Promise.withResolvers<RelayFault>();
  let received: Buffer = Buffer.alloc(0);
  let onReceived = (): void => {};
  port.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]).subarray(-256);
    onReceived();
  });
  port.on("close", () => gone.resolve(unplugged(path)));
  port.on("end", () => gone.resolve(unplugged(path)));
  port.on("error", (error: Error) => gone.resolve(failed(path, error)));

  try {
    await checkDeviceNode(path);
    await openPort(port);
  } catch (error) {
    throw notOpened(path, error);
  }

  const exchange = async ({ request, isObeyed }: RelayExchange): Promise<void> => {
    if (!port.isOpen) throw unplugged(path);
    received = Buffer.alloc(0);
    const answered = Promise.withResolvers<void>();
    onReceived = () => {
      if (isObeyed?.(received) === true) answered.resolve();
    };
    const timer = setTimeout(() => answered.reject(noAnswer(path)), ANSWER_TIMEOUT_MS);
    port.write(request, (error) => {
      if (error) answered.reject(failed(path, error));
      // Without an answer, what left this machine is all there is to know.
      else if (isObeyed === null)
        port.drain((problem) => (problem ? answered.reject(failed(path, problem)) : answered.resolve()));
    });
    try {
      await answered.promise;
    } finally {
      clearTimeout(timer);
      onReceived = () => {};
    }
  };

  let line: Promise<unknown> = Promise.resolve();
  return {
    gone: gone.promise,
    switch(output, on) {
      const switched = line.then(async () => {
        for (const step of protocol(output, on)) await exchange(step);
      });
      line = switched.catch(() => {});
      return switched;
    },
    [Symbol.asyncDispose]: () => closePort(port),
  };
}

function openPort(port: SerialPort): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    reject(new Error(`no answer within ${OPEN_TIMEOUT_MS} ms`));
  }, OPEN_TIMEOUT_MS);
  port.open((error) => {
    clearTimeout(timer);
    if (error) reject(error);
    else if (expired)
      port.close(() => {}); // Left open it would hold the port against the next attempt.
    else resolve();
  });
  return promise;
}

function closePort(port: SerialPort): Promise<void> {
  if (!port.isOpen) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  port.close(() => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}

/** The same evidence as for a reader, in the words of a relay. */
function notOpened(path: string, error: unknown): RelayFault {
  const fault = error instanceof ReaderFault ? error : openFault(path, error);
  const options = { cause: error };
  switch (fault.code) {
    case "reader.not-found":
      return new RelayFault(
        "relay.not-found",
        `${path} is not there: plug the relay board in or correct the path.`,
        options,
      );
    case "reader.busy":
      return new RelayFault(
        "relay.busy",
        `Another program holds the port ${path} of the relay board: close it.`,
        options,
      );
    case "reader.permission":
      return new RelayFault(
        "relay.permission",
        `This user may not open ${path}: add the user to the group dialout and log in again.`,
        options,
      );
    default:
      return new RelayFault(
        "relay.failed",
        `The relay board on ${path} could not be opened: check that it is the board's serial port, and its cable.`,
        options,
      );
  }
}

function unplugged(path: string): RelayFault {
  return new RelayFault("relay.unplugged", `The relay board on ${path} was unplugged: plug it in again.`);
}

function noAnswer(path: string): RelayFault {
  return new RelayFault(
    "relay.no-answer",
    `The relay board on ${path} does not confirm its commands: check its power, its wiring and its address.`,
  );
}

function failed(path: string, cause: Error): RelayFault {
  return new RelayFault(
    "relay.failed",
    `The relay board on ${path} failed (${cause.message}): unplug it and plug it in again.`,
    { cause },
  );
}
