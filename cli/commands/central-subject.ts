import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { accessLogOver } from "../../central/access-log.ts";
import { systemClock } from "../../central/clock.ts";
import { HttpProblem } from "../../central/http-problem.ts";
import { carryOut, takeDown } from "../../central/subject-requests.ts";
import { subjectCorrection, subjectIdentity, subjectRequestKind } from "../../contract/privacy.ts";
import { databaseOption, withCentralStore } from "../central-store.ts";
import { CommandFailure } from "../failure.ts";
import { openLog } from "../log.ts";
import { printJson } from "../output.ts";

interface Options {
  readonly reason: string;
  readonly database?: string;
  readonly json?: true;
}

/** Over all places: owners answer for their own on their page. */
const operator = { ref: "operator", places: null } as const;

export const centralSubjectCommand = new Command("central-subject")
  .description(
    "what a person asks about its own data, over all places; run on the centre's machine. Who it is comes on standard " +
      'input, so that it stands in no history: {"citizen_number":"…"}, "insurance_number", "phone"; to correct also ' +
      '"correction":{"full_name":"…"}',
  )
  .argument("<kind>", `one of ${subjectRequestKind.options.join(", ")}`)
  .requiredOption("--reason <text>", "what was asked and how it was made sure that it is this person; kept for good")
  .option(...databaseOption)
  .option("--json", "print the whole result as one JSON line")
  .action(async (kindText: string, { reason, database, json }: Options) => {
    const kind = subjectRequestKind.safeParse(kindText);
    if (!kind.success) throw new CommandFailure(`Give one of ${subjectRequestKind.options.join(", ")}.`);
    const { subject, correction } = askedOf(await text(process.stdin));
    const log = openLog("central-subject");
    log.level = "warn";
    const outcome = await withCentralStore(database, async ({ store, keys }) => {
      const accessLog = accessLogOver(store, systemClock, log);
      const parts = { store, keys, clock: systemClock, accessLog };
      try {
        const { id } = await takeDown(parts, operator, { id: randomUUID(), kind: kind.data, subject, reason });
        return (await carryOut(parts, operator, id, correction)).outcome;
      } catch (problem) {
        if (problem instanceof HttpProblem) throw new CommandFailure(problem.message, { cause: problem });
        throw problem;
      } finally {
        await accessLog.close();
      }
    });
    if (json) return printJson(outcome);
    if (outcome.data) process.stdout.write(`${JSON.stringify(outcome.data, null, 2)}\n`);
    const done = { access: "found", export: "found", correct: "corrected", erase: "erased" }[kind.data];
    process.stdout.write(`${outcome.entries} entries ${done}.\n${outcome.notes.join("\n")}\n`);
  });

/** @throws CommandFailure that repeats nothing of what was given */
function askedOf(input: string) {
  let given: unknown;
  try {
    given = JSON.parse(input);
  } catch {
    throw new CommandFailure("Standard input must be one JSON object; see --help.");
  }
  const { correction, ...identity } = (typeof given === "object" && given !== null ? given : {}) as Record<
    string,
    unknown
  >;
  const subject = subjectIdentity.safeParse(identity);
  if (!subject.success) {
    throw new CommandFailure(
      "Give citizen_number (12 digits), insurance_number (15 characters or 10 digits) or phone; see --help.",
    );
  }
  const corrected = subjectCorrection.optional().safeParse(correction);
  if (!corrected.success) {
    throw new CommandFailure("The correction may hold full_name, date_of_birth (YYYY-MM-DD) and address.");
  }
  return { subject: subject.data, correction: corrected.data };
}
