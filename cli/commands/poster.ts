import { existsSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command, Option } from "commander";
import { z } from "zod";
import { systemClock } from "../../agent/clock.ts";
import { CentralApi } from "../../agent/sync/central-api.ts";
import { newProofKey } from "../../contract/dpop.ts";
import { operations } from "../../contract/operations.ts";
import { centralUrl } from "../../provisioning/agent-config.ts";
import { Questions } from "../ask.ts";
import { signInAtCentre } from "../central-session.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

interface PosterOptions {
  readonly central: string;
  readonly phone?: string;
  readonly size: "A4" | "A5";
  readonly format: "pdf" | "png";
  readonly language: "vi" | "en" | "both";
  readonly out: string;
  readonly force?: true;
  readonly json?: true;
}

/** A page of 300 dpi takes the centre a second or two, and others may be before it. */
const posterTimeoutMs = 60_000;

export const posterCommand = new Command("poster")
  .description("get the printable QR code of a place, under the sign-in of its owner or a supervisor")
  .argument("<checkpoint>", "id of the place")
  .requiredOption("--central <url>", "address of the central service")
  .requiredOption("--out <file>", "file to write")
  .option("--phone <number>", "phone of the owner or a supervisor; asked for when absent")
  .addOption(new Option("--size <paper>", "paper").choices(["A4", "A5"]).default("A4"))
  .addOption(new Option("--format <format>", "kind of file").choices(["pdf", "png"]).default("pdf"))
  .addOption(new Option("--language <language>", "words on it").choices(["vi", "en", "both"]).default("both"))
  .option("--force", "overwrite the file when there is one")
  .option("--json", "print the result as one JSON line")
  .action(async (checkpoint: string, options: PosterOptions) => {
    const { size, format, language, json } = options;
    const id = z.uuid().safeParse(checkpoint);
    if (!id.success) {
      throw new CommandFailure("The id of a place looks like 3f2a91bc-0000-4000-8000-000000000001; copy it whole.");
    }
    const central = centralUrl.safeParse(options.central);
    if (!central.success)
      throw new CommandFailure(`The address given with --central ${central.error.issues[0]?.message}.`);
    const file = path.resolve(options.out);
    checkTarget(file, options.force === true);
    using questions = new Questions();
    const api = new CentralApi(central.data, systemClock(), await newProofKey(), () => {});
    const session = await signInAtCentre(api, questions, options.phone);
    try {
      const bytes = await session.call({
        operation: operations.makePoster,
        parameters: { id: id.data },
        body: { size, format, language },
        schema: z.instanceof(Uint8Array),
        totalTimeoutMs: posterTimeoutMs,
      });
      write(file, bytes, options.force === true);
      if (json) printJson({ file, bytes: bytes.length, size, format, language });
      else process.stdout.write(`${file}: ${size} poster, ${Math.ceil(bytes.length / 1024)} KiB. Print it at 100 %.\n`);
    } finally {
      await session.end();
    }
  });

/** Before anybody is asked for a code. @throws CommandFailure. */
function checkTarget(file: string, force: boolean): void {
  const folder = path.dirname(file);
  if (!existsSync(folder)) throw new CommandFailure(`The folder ${folder} does not exist; make it first.`);
  if (!existsSync(file)) return;
  if (!statSync(file).isFile()) throw new CommandFailure(`${file} is not a file; name the file to write with --out.`);
  if (!force) throw new CommandFailure(`${file} is there already; name another file, or overwrite it with --force.`);
}

function write(file: string, bytes: Uint8Array, force: boolean): void {
  try {
    // Whoever made the file meanwhile keeps it.
    writeFileSync(file, bytes, { flag: force ? "w" : "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailure(`${file} could not be written (${code}); make room or name another file.`);
  }
}
