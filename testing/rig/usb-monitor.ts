/** QEMU's monitor, at hand inside the machine it runs: emulated USB devices are plugged in and out by it. */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { until } from "../until.ts";
import { PATIENCE_MS } from "./watched-readers.ts";

/** A USB serial adapter with an FTDI chip (0403:6001), and the far end of its cable. */
export interface SerialAdapter extends Disposable {
  plug(): Promise<void>;
  /** Resolves when it is really gone; until then nothing else can have its cable. */
  unplug(): Promise<void>;
  /** Sends bytes from the far end of the cable. */
  send(bytes: Uint8Array | string): void;
  /** What came out at the far end since the last call. */
  received(): Buffer;
}

const MONITOR = "/dev/virtio-ports/rig.monitor";
const CABLE = "/dev/virtio-ports/rig.cable";
const DEVICE = "adapter";

/** What the monitor says: the answer to a command, or an event (QEMU, docs/interop/qmp-spec). */
interface Said {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly data?: { readonly device?: string };
}

/** Makes the adapter of the machine; there is one. Dispose it when it is unplugged. */
export async function createSerialAdapter(serialNumber: string): Promise<SerialAdapter> {
  const monitor = openQuietly(MONITOR);
  const cable = openQuietly(CABLE);
  const said: Said[] = [];
  let rest = "";

  const hear = (): readonly Said[] => {
    const lines = (rest + readAll(monitor).toString()).split("\n");
    rest = lines.pop() ?? "";
    said.push(...lines.filter((line) => line.trim() !== "").map((line) => JSON.parse(line) as Said));
    return said;
  };
  /** Asks and resolves with the answer; the monitor answers in order, and one at a time is asked. */
  const ask = async (execute: string, args: Record<string, string> = {}): Promise<Said> => {
    hear();
    said.length = 0;
    writeSync(monitor, `${JSON.stringify({ execute, arguments: args })}\n`);
    const isAnswer = (one: Said): boolean => one.return !== undefined || one.error !== undefined;
    return until(`an answer to ${execute}`, () => hear().find(isAnswer), PATIENCE_MS);
  };
  await ask("qmp_capabilities");

  return {
    async plug() {
      const device = { id: DEVICE, driver: "usb-serial", bus: "usb.0", chardev: "cable", serial: serialNumber };
      const { error } = await ask("device_add", device);
      if (error !== undefined) throw new Error(`QEMU did not plug the adapter in: ${error.desc}`);
    },
    async unplug() {
      await ask("device_del", { id: DEVICE });
      const isGone = (one: Said): boolean => one.event === "DEVICE_DELETED" && one.data?.device === DEVICE;
      await until("the adapter to be gone", () => hear().some(isGone), PATIENCE_MS);
    },
    send: (bytes) => void writeSync(cable, Buffer.from(bytes)),
    received: () => readAll(cable),
    [Symbol.dispose]() {
      closeSync(monitor);
      closeSync(cable);
    },
  };
}

/** Opens a port of the machine without ever waiting in it: a read that waits keeps Node from ending. */
function openQuietly(port: string): number {
  return openSync(port, constants.O_RDWR | constants.O_NONBLOCK);
}

function readAll(descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(65536);
    try {
      const count = readSync(descriptor, chunk);
      if (count === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") return Buffer.concat(chunks);
      throw error;
    }
  }
}
