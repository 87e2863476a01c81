/**
 * What relay boards on a serial line are told and what they answer: data and pure functions, one row a protocol, each
 * with its source. A board that can be asked is asked: an OFF counts only when the board says so.
 */
import type { RelayBoardKind, RelaySpec } from "./relay-spec.ts";

/** Which output of a board. */
export type RelayOutput = Pick<RelaySpec, "address" | "channel">;

/** One question to a board and what counts as its answer. */
export interface RelayExchange {
  readonly request: Uint8Array;
  /** Whether all bytes received since the request say that it was obeyed; null: the board does not answer. */
  readonly isObeyed: ((received: Uint8Array) => boolean) | null;
}

/** How to switch one output, exchange by exchange. */
export type RelayProtocol = (output: RelayOutput, on: boolean) => readonly RelayExchange[];

/**
 * LCUS-1, -2, -4 (CH340, 9600 8N1): `A0 channel state`, then the sum of the three. It answers nothing: blind
 * (readers.md 12; StackOverflow 29221080).
 */
const lcus: RelayProtocol = ({ channel }, on) => {
  const frame = [0xa0, channel, on ? 1 : 0];
  return [{ request: Uint8Array.from([...frame, sum(frame)]), isObeyed: null }];
};

/**
 * Modbus RTU coil boards on RS-485: function 05, whose echo is the acknowledgement (readers.md 12; SPM93 manual). OFF is
 * read back with function 01, because an RS-485 adapter that hears itself echoes just as well as a board does.
 */
const modbus: RelayProtocol = ({ address, channel }, on) => {
  const coil = [(channel - 1) >> 8, (channel - 1) & 0xff];
  const write = withCrc([address, 0x05, ...coil, on ? 0xff : 0x00, 0x00]);
  const writing: RelayExchange = { request: write, isObeyed: (received) => contains(received, write) };
  if (on) return [writing];
  const isOff = withCrc([address, 0x01, 0x01, 0x00]);
  const reading: RelayExchange = {
    request: withCrc([address, 0x01, ...coil, 0x00, 0x01]),
    isObeyed: (received) => contains(received, isOff),
  };
  return [writing, reading];
};

/**
 * Devantech USB-RLY16 (CDC): one byte switches a relay, `5B` asks for the state of all eight as the bits of one byte
 * (readers.md 12; USB-RLY16 technical documentation, "Commands").
 */
const devantech: RelayProtocol = ({ channel }, on) => {
  const bit = 1 << (channel - 1);
  return [
    {
      request: Uint8Array.of((on ? 0x64 : 0x6e) + channel, 0x5b),
      isObeyed: (received) => received.length > 0 && (((received.at(-1) ?? 0) & bit) !== 0) === on,
    },
  ];
};

export const serialProtocols: Readonly<Record<Exclude<RelayBoardKind, "dcttech">, RelayProtocol>> = {
  lcus,
  modbus,
  devantech,
};

function sum(bytes: readonly number[]): number {
  return bytes.reduce((total, byte) => total + byte, 0) & 0xff;
}

/** Appends the CRC-16 of Modbus (polynomial A001 reflected, start FFFF), low byte first. */
function withCrc(bytes: readonly number[]): Uint8Array {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return Uint8Array.from([...bytes, crc & 0xff, crc >> 8]);
}

/** RS-485 transceivers add stray bytes when they turn the line round, so the answer may stand anywhere. */
function contains(received: Uint8Array, wanted: Uint8Array): boolean {
  return Buffer.from(received).includes(Buffer.from(wanted));
}
