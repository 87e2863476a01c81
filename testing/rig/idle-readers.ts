/**
 * A program that keeps the readers open that its arguments name, says `ready` when all are, and stops as the agent does
 * when it is told to: it lets go of them and leaves by having nothing left to do. No `process.exit` helps it.
 */
import { Readers } from "../../agent/readers.ts";
import { parseReaderChoice } from "../../drivers/reader-spec.ts";

const choices = process.argv.slice(2).map(parseReaderChoice);
const readers = new Readers({
  choices,
  onScan: () => {},
  onChange: () => {
    if (readers.views.every(({ state }) => state === "ready")) process.stdout.write("ready\n");
  },
  log: () => {},
});
process.on("SIGTERM", () => void readers[Symbol.asyncDispose]());
