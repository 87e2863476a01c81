import { Command } from "commander";
import { recognise } from "../../agent/codes/recognise.ts";
import { printJson } from "../output.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;

export const recogniseCommand = new Command("recognise")
  .description("read payloads from standard input, one a line, and say what each is, one JSON line per code")
  .option("--base64", "each line is base64 of the raw bytes")
  .action(async ({ base64 }: { base64?: true }) => {
    const today = new Date().toISOString().slice(0, 10);
    let line = 0;
    const take = (bytes: Buffer): void => {
      line++;
      const payload = base64 ? decodeBase64(bytes) : bytes;
      if (payload === null) {
        printJson({ line, error: "not-base64" });
        process.stderr.write(`tram: line ${line} is not base64; it was left out.\n`);
        process.exitCode = 1;
        return;
      }
      const codes = recognise(payload, { today });
      for (const [index, { kind, form, fields, warnings, repairs }] of codes.entries()) {
        const part = codes.length > 1 ? { part: index + 1 } : {};
        printJson({ line, ...part, kind, form, fields, warnings, repairs });
      }
    };
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline, from)) {
        take(rest.subarray(from, end > from && rest[end - 1] === carriageReturn ? end - 1 : end));
        from = end + 1;
      }
      rest = rest.subarray(from);
    }
    if (rest.length > 0) take(rest);
  });

function decodeBase64(bytes: Buffer): Buffer | null {
  const text = bytes.toString("latin1").trim();
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, "base64") : null;
}
