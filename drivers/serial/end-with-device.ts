/** Makes a serial port on Linux notice that its device is gone, whichever way the kernel says so. */
import { read } from "node:fs";
import { promisify } from "node:util";
import type { SerialPort } from "serialport";

/** What serialport's port on Linux and macOS is made of; that of Windows has no poller. */
type PolledPort = Extract<NonNullable<SerialPort["port"]>, { readonly poller: unknown }>;

const readFile = promisify(read);

/**
 * Lets a port end its stream (`end`) when a read brings no bytes, which is how a terminal that hung up answers. Call it
 * before the port is opened.
 *
 * serialport 13 takes that answer for "not yet" and reads again without a pause: one core busy, memory growing, and
 * neither `close` nor `end` (bindings-cpp `unix-read.ts`, its #162). Whether it gets there is a race between the
 * kernel's two signs of a hang-up; over pseudo-terminals it does in half of all cases, when the device goes while it is
 * sending.
 */
export function endWithDevice(port: SerialPort): void {
  port.prependOnceListener("open", () => {
    const { port: opened } = port;
    if (opened === undefined || !("poller" in opened)) return;
    opened.read = (buffer, offset, length) => readOnce(opened, buffer, offset, length);
  });
}

/** Waits for bytes; none at all is the end. Rejects with `canceled` when the port is closed meanwhile. */
async function readOnce(
  port: PolledPort,
  buffer: Buffer,
  offset: number,
  length: number,
): Promise<{ buffer: Buffer; bytesRead: number }> {
  for (;;) {
    try {
      const { bytesRead } = await readFile(fdOf(port), buffer, offset, length, null);
      return { buffer, bytesRead };
    } catch (error) {
      if (!isNothingYet(error)) throw error;
    }
    fdOf(port); // The poller of a closed port is freed memory.
    await new Promise<void>((resolve, reject) => {
      port.poller.once("readable", (error) => (error ? reject(error) : resolve()));
    });
  }
}

/** @throws with `canceled`, which serialport does not take for a fault, when the port was closed meanwhile. */
function fdOf(port: PolledPort): number {
  if (port.fd === null) throw Object.assign(new Error("the port was closed"), { canceled: true });
  return port.fd;
}

function isNothingYet(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  return ["EAGAIN", "EWOULDBLOCK", "EINTR"].includes(code);
}
