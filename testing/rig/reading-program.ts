/**
 * A program that keeps open whatever readers are plugged in, prints a line for every state and every scan, and stops as
 * the agent does when it is told to: it lets go of them and leaves by having nothing left to do.
 */
import { textOf, watchReaders } from "./watched-readers.ts";

const readers = watchReaders(["auto"], {
  onState: (state) => process.stdout.write(`${state}\n`),
  onScan: (scan, id) => process.stdout.write(`${id} scan ${textOf(scan)}\n`),
});
process.on("SIGTERM", () => void readers[Symbol.asyncDispose]());
process.stdout.write("started\n");
