import { Command, CommanderError } from "commander";
import { agentCommand } from "./commands/agent.ts";
import { centralCommand } from "./commands/central.ts";
import { centralAuditCommand } from "./commands/central-audit.ts";
import { centralOfficialCommand } from "./commands/central-official.ts";
import { centralSubjectCommand } from "./commands/central-subject.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { dutyCommands } from "./commands/duty.ts";
import { enrolCommand } from "./commands/enrol.ts";
import { journalCommand } from "./commands/journal.ts";
import { posterCommand } from "./commands/poster.ts";
import { readersCommand } from "./commands/readers.ts";
import { recogniseCommand } from "./commands/recognise.ts";
import { scanCommand } from "./commands/scan.ts";
import { startCommand } from "./commands/start.ts";
import { isExpected } from "./failure.ts";
import { tellFault } from "./launch/parent.ts";

if (Number(process.versions.node.split(".")[0]) < 24) {
  process.stderr.write(
    `tram needs Node 24; this is ${process.version}. Start it with bin/tram.mjs or install Node 24.\n`,
  );
  process.exit(1);
}

// What this program writes belongs to its user alone.
process.umask(0o077);

const program = new Command("tram")
  .description("Trạm QR: check-in station and central service")
  .showHelpAfterError("(run with --help to see what is possible)")
  .exitOverride();
for (const command of [
  startCommand,
  agentCommand,
  centralCommand,
  centralAuditCommand,
  centralOfficialCommand,
  centralSubjectCommand,
  readersCommand,
  scanCommand,
  recogniseCommand,
  enrolCommand,
  journalCommand,
  posterCommand,
  doctorCommand,
  ...dutyCommands,
]) {
  program.addCommand(command);
}

try {
  // Said, not guessed: inside Electron's utility process the arguments stand where Node has them.
  await program.parseAsync(process.argv, { from: "node" });
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else if (isExpected(error)) {
    if (!(await tellFault(error))) process.stderr.write(`tram: ${error.message}\n`);
    process.exitCode = 1;
  } else {
    process.stderr.write(
      `tram: unexpected fault, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exitCode = 70;
  }
}
