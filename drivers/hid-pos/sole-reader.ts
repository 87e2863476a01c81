/**
 * One program at a time reads a HID reader. The systems would let several in: each gets every scan, so two agents
 * would record everybody twice, and the one that ends first would give a taken-over reader back to its keyboard
 * while the other goes on waiting for scans (node-hid #472).
 */
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { ReaderFault } from "../reader.ts";

/**
 * Takes the reader at `path` for this program until disposed or until the program ends, `kill -9` included: the
 * system owns the lock, an abstract socket on Linux and a named pipe on Windows. Elsewhere nothing is locked.
 *
 * @throws {ReaderFault} `reader.busy` while another Trạm QR, or another opening of this one, has it.
 */
export async function takeReader(path: string): Promise<Disposable> {
  const name = `tram-qr-hid-${createHash("sha256").update(path.toLowerCase()).digest("hex").slice(0, 32)}`;
  const address = { linux: `\0${name}`, win32: `\\\\.\\pipe\\${name}` }[process.platform as string];
  const lock = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  lock.on("error", (cause: NodeJS.ErrnoException) =>
    reject(cause.code === "EADDRINUSE" || cause.code === "EACCES" ? taken(path, cause) : cause),
  );
  if (address === undefined) resolve();
  else lock.listen(address, resolve);
  await promise;
  lock.unref();
  return { [Symbol.dispose]: () => void lock.close() };
}

function taken(path: string, cause: unknown): ReaderFault {
  return new ReaderFault(
    "reader.busy",
    `Another Trạm QR on this machine has the reader ${path} open: end that one, a station in the background too.`,
    { cause },
  );
}
