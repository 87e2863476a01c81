/** A relay board on a serial line: USB CDC, a USB bridge, RS-232 or RS-485. */
import { ReaderFault, type ReaderFaultCode } from "../reader.ts";
import { closeSerialPort, openSerialPort } from "../serial/open-port.ts";
import { openFault } from "../serial/serial-fault.ts";
import type { RelayBoard } from "./relay-board.ts";
import { RelayFault, type RelayFaultCode } from "./relay-fault.ts";
import type { RelayBoardKind } from "./relay-spec.ts";
import { type RelayExchange, serialProtocols } from "./serial-protocols.ts";

/** Which board to open. */
export interface SerialBoardAddress {
  readonly board: Exclude<RelayBoardKind, "dcttech">;
  readonly path: string;
  readonly baudRate: number;
}

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
  const { port } = await openSerialPort(path, baudRate).catch((error: unknown) => {
    throw notOpened(path, error);
  });
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
    [Symbol.asyncDispose]: () => closeSerialPort(port, CLOSE_TIMEOUT_MS),
  };
}

/** A fault of the port in the words of a relay, with the reason where it was found on this machine. */
function notOpened(path: string, error: unknown): RelayFault {
  const fault = openFault(path, error);
  const [code, sentence] = wordsOf(path, fault.code);
  return new RelayFault(code, fault.cause instanceof ReaderFault ? fault.message : sentence, { cause: error });
}

function wordsOf(path: string, code: ReaderFaultCode): readonly [RelayFaultCode, string] {
  switch (code) {
    case "reader.not-found":
      return ["relay.not-found", `${path} is not there: plug the relay board in or correct the path.`];
    case "reader.busy":
      return ["relay.busy", `Another program holds the port ${path} of the relay board: close it.`];
    case "reader.permission":
      return [
        "relay.permission",
        `This user may not open ${path}: add the user to the group dialout and log in again.`,
      ];
    default:
      return [
        "relay.failed",
        `The relay board on ${path} could not be opened: check that it is the board's serial port, and its cable.`,
      ];
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
