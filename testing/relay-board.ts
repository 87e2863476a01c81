/**
 * Relay boards on a real pseudo-terminal, written from the manuals and not from the drivers: they understand the bytes,
 * answer as the board does, and keep a record of every relay over time.
 */
import { createPtyDevice } from "./pty.ts";

/** One relay moved or was told to stay. */
export interface RelayEvent {
  readonly channel: number;
  readonly on: boolean;
  /** `performance.now()` of the test. */
  readonly atMs: number;
}

export interface SimulatedRelayBoard extends AsyncDisposable {
  readonly path: string;
  /** Every command understood, oldest first. */
  readonly events: readonly RelayEvent[];
  /** Channels that are on right now. A board without power holds none. */
  on(): readonly number[];
  /** Completed pulses of a channel as [on, off] of the same clock; a pulse that still runs is not among them. */
  pulses(channel: number): readonly (readonly [onMs: number, offMs: number])[];
  /** Holds a relay as a process left it that was killed; nothing is recorded. */
  leaveOn(channel: number): void;
  /** A board that stopped thinking: commands are neither obeyed nor answered. */
  hang(hung: boolean): void;
  /** A board whose answers are lost on the line: it obeys and is not heard. */
  mute(muted: boolean): void;
  unplug(): Promise<void>;
  replug(): Promise<void>;
}

/** What a board makes of the bytes it has: how many it used, which relay it set and what it answers. */
type Firmware = (bytes: Buffer, on: ReadonlySet<number>) => Heard | null;
interface Heard {
  readonly used: number;
  readonly set?: { readonly channel: number; readonly on: boolean };
  readonly answer?: (on: ReadonlySet<number>) => Buffer;
}

const lcus: Firmware = (bytes) => {
  if (bytes.length < 4) return null;
  const [head, channel, state, sum] = bytes as unknown as [number, number, number, number];
  const isWhole = head === 0xa0 && ((head + channel + state) & 0xff) === sum;
  return isWhole ? { used: 4, set: { channel, on: state === 1 } } : { used: 1 };
};

const modbus: Firmware = (bytes) => {
  if (bytes.length < 8) return null;
  const frame = bytes.subarray(0, 8);
  if (frame[0] !== 7 || crc(frame.subarray(0, 6)) !== frame.readUInt16LE(6)) return { used: 1 };
  const channel = frame.readUInt16BE(2) + 1;
  if (frame[1] === 5) return { used: 8, set: { channel, on: frame[4] === 0xff }, answer: () => Buffer.from(frame) };
  return {
    used: 8,
    answer: (on) => {
      const body = Buffer.from([7, 1, 1, on.has(channel) ? 1 : 0]);
      const check = Buffer.alloc(2);
      check.writeUInt16LE(crc(body));
      return Buffer.concat([body, check]);
    },
  };
};

const devantech: Firmware = (bytes) => {
  const command = bytes[0];
  if (command === undefined) return null;
  if (command === 0x5b) {
    return {
      used: 1,
      answer: (on) => Buffer.from([[...on].reduce((mask, channel) => mask | (1 << (channel - 1)), 0)]),
    };
  }
  if (command >= 0x65 && command <= 0x6c) return { used: 1, set: { channel: command - 0x64, on: true } };
  if (command >= 0x6f && command <= 0x76) return { used: 1, set: { channel: command - 0x6e, on: false } };
  return { used: 1 };
};

/** The Modbus board has the address 7. */
export async function createRelayBoard(kind: "lcus" | "modbus" | "devantech"): Promise<SimulatedRelayBoard> {
  const firmware = { lcus, modbus, devantech }[kind];
  const pty = await createPtyDevice();
  const events: RelayEvent[] = [];
  const on = new Set<number>();
  let waiting: Buffer = Buffer.alloc(0);
  let hung = false;
  let muted = false;
  const losePower = (): void => {
    on.clear();
    waiting = Buffer.alloc(0);
  };
  pty.onReceived((bytes) => {
    if (hung) return;
    waiting = Buffer.concat([waiting, bytes]);
    for (let heard = firmware(waiting, on); heard !== null; heard = firmware(waiting, on)) {
      waiting = waiting.subarray(heard.used);
      if (heard.set !== undefined) {
        if (heard.set.on) on.add(heard.set.channel);
        else on.delete(heard.set.channel);
        events.push({ ...heard.set, atMs: performance.now() });
      }
      if (heard.answer !== undefined && !muted) pty.write(heard.answer(on)).catch(() => {});
    }
  });
  return {
    path: pty.path,
    events,
    on: () => [...on],
    pulses: (channel) => {
      const pulses: [number, number][] = [];
      let sinceMs: number | null = null;
      for (const event of events.filter((each) => each.channel === channel)) {
        if (event.on) sinceMs ??= event.atMs;
        else if (sinceMs !== null) {
          pulses.push([sinceMs, event.atMs]);
          sinceMs = null;
        }
      }
      return pulses;
    },
    leaveOn: (channel) => void on.add(channel),
    hang: (now) => {
      hung = now;
    },
    mute: (now) => {
      muted = now;
    },
    unplug: async () => {
      await pty.unplug();
      losePower();
    },
    replug: async () => {
      losePower();
      await pty.replug();
    },
    [Symbol.asyncDispose]: () => pty[Symbol.asyncDispose](),
  };
}

function crc(bytes: Uint8Array): number {
  let value = 0xffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xa001 : value >>> 1;
  }
  return value;
}
