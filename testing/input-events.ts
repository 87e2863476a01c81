import { keyName } from "../drivers/evdev/key-codes.ts";
import { strokesOf } from "./key-strokes.ts";

const numbers = new Map(Array.from({ length: 128 }, (_, number) => [keyName(number), number] as const));

/** One `struct input_event` of this machine, at time zero. Readers read the size of its time from perl, as the product does. */
function inputEvent(type: number, code: number, value: number): Buffer {
  const longBytes = /64|s390x/.test(process.arch) ? 8 : 4;
  const event = Buffer.alloc(2 * longBytes + 8);
  event.writeUInt16LE(type, 2 * longBytes);
  event.writeUInt16LE(code, 2 * longBytes + 2);
  event.writeInt32LE(value, 2 * longBytes + 4);
  return event;
}

const report = inputEvent(0, 0, 0);

/** What the kernel gives for one key: the scan code, the key, the end of the report. */
export function keyEvents(code: string, down: boolean): Buffer {
  const number = numbers.get(code);
  if (number === undefined) throw new Error(`Linux has no key ${code}`);
  return Buffer.concat([inputEvent(4, 4, 0x70000 + number), inputEvent(1, number, down ? 1 : 0), report]);
}

/** What the kernel gives when a US reader types `text`; "\n" is Enter, "\t" is Tab. */
export function typedEvents(text: string): Buffer {
  return Buffer.concat(
    Array.from(text)
      .flatMap(strokesOf)
      .map((each) => keyEvents(each.code, each.down)),
  );
}

/** The kernel's word that it lost events. */
export const droppedEvents = (): Buffer => Buffer.concat([inputEvent(0, 3, 0), report]);
