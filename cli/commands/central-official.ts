import { Command } from "commander";
import { unitLists } from "../../central/units/units.ts";
import { currentUnitsVersion } from "../../contract/admin-units.ts";
import { maskPhone, normalisePhone, type OfficialRight, officialRight } from "../../contract/people.ts";
import { databaseOption, withCentralStore } from "../central-store.ts";
import { CommandFailure } from "../failure.ts";
import { printable, printJson } from "../output.ts";

interface Options {
  readonly database?: string;
  readonly json?: true;
}

const addCommand = new Command("add")
  .description("give an official a right over administrative units; it signs in by phone, as an official")
  .requiredOption("--phone <number>", "phone of the official", phoneOf)
  .requiredOption("--role <role>", "counts, or health (may trace as well, with a reason)", roleOf)
  .requiredOption("--units <codes>", "codes of provinces or communes, comma-separated", unitsOf)
  .option(...databaseOption)
  .option("--json", "print the result as one JSON line")
  .action(async (options: Options & { phone: string; role: OfficialRight; units: string[] }) => {
    const { phone, role, units } = options;
    const id = await withCentralStore(options.database, ({ store }) =>
      store.transaction(async (within) => {
        const personRef = await within.staff.personOf(phone, Date.now());
        const made = await within.officials.add(personRef, role, units);
        await within.accessRecords.add(
          {
            action: "official_added",
            actor: "operator",
            checkpointId: null,
            objects: [made, personRef],
            reason: `${role} ${units.join(",")}`,
          },
          Date.now(),
        );
        return made;
      }),
    );
    if (options.json) printJson({ id, role, units });
    else process.stdout.write(`${maskPhone(phone)} may now sign in as an official: ${role} in ${units.join(", ")}.\n`);
  });

const removeCommand = new Command("remove")
  .description("end all rights of an official at once")
  .requiredOption("--phone <number>", "phone of the official", phoneOf)
  .option(...databaseOption)
  .option("--json", "print the result as one JSON line")
  .action(async (options: Options & { phone: string }) => {
    const ended = await withCentralStore(options.database, ({ store }) =>
      store.transaction(async (within) => {
        const personRef = await within.staff.knownPerson(options.phone);
        const ids = personRef === null ? [] : await within.officials.end(personRef);
        if (personRef !== null && ids.length > 0) {
          const objects = [...ids, personRef];
          const record = { action: "official_removed", actor: "operator", checkpointId: null, objects } as const;
          await within.accessRecords.add(record, Date.now());
        }
        return ids.length;
      }),
    );
    if (options.json) printJson({ ended });
    else if (ended === 0) process.stdout.write(`${maskPhone(options.phone)} is no official here.\n`);
    else process.stdout.write(`${maskPhone(options.phone)} is no official any more.\n`);
  });

const listCommand = new Command("list")
  .description("officials and their rights, phones masked")
  .option(...databaseOption)
  .option("--json", "print the result as one JSON line")
  .action(async (options: Options) => {
    const officials = await withCentralStore(options.database, async ({ store }) => {
      const current = (await store.officials.all()).filter(({ endedAt }) => endedAt === null);
      return Promise.all(
        current.map(async ({ id, personRef, right, unitCodes, addedAt }) => ({
          id,
          phone_masked: maskPhone((await store.staff.phoneOf(personRef)) ?? ""),
          role: right,
          units: unitCodes,
          since: new Date(addedAt).toISOString(),
        })),
      );
    });
    if (options.json) printJson({ officials });
    else if (officials.length === 0) process.stdout.write('There are no officials; add one with "add".\n');
    for (const { phone_masked, role, units, since } of options.json ? [] : officials) {
      process.stdout.write(`${phone_masked}  ${role}  ${units.join(", ")}  since ${since.slice(0, 10)}\n`);
    }
  });

export const centralOfficialCommand = new Command("central-official")
  .description("officials of the central service; run on its machine")
  .addCommand(addCommand)
  .addCommand(removeCommand)
  .addCommand(listCommand);

function phoneOf(text: string): string {
  const phone = normalisePhone(text);
  if (phone === null) throw new CommandFailure("--phone takes a Vietnamese phone number, for example 0912345678.");
  return phone;
}

function roleOf(text: string): OfficialRight {
  const role = officialRight.safeParse(text);
  if (!role.success) throw new CommandFailure(`--role takes ${officialRight.options.join(" or ")}.`);
  return role.data;
}

/** Every code must be in today's list: a wrong one would give a right over nothing, silently. */
function unitsOf(text: string): string[] {
  const codes = text
    .split(",")
    .map((code) => code.trim())
    .filter((code) => code !== "");
  const list = unitLists[currentUnitsVersion];
  const wrong = codes.find((code) => !list.find("province", code) && !list.find("commune", code));
  if (wrong !== undefined || codes.length === 0) {
    throw new CommandFailure(
      `--units takes codes of provinces (two digits) or communes (five), not "${printable(wrong ?? text).slice(0, 60)}".`,
    );
  }
  return codes;
}
