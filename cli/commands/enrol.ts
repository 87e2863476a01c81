import { Command } from "commander";
import type { EnrolmentView } from "../../agent/kiosk-port/view.ts";
import { centralUrl } from "../../provisioning/agent-config.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { type AgentClient, connectToAgent } from "../agent-client.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

interface EnrolOptions {
  data: string;
  again?: true;
  json?: true;
}

/** How the command ends without the machine being enrolled. */
const exitCodes = { refused: 2, expired: 3 } as const;
/** A user code lives ten minutes; asking for one may take as long again. */
const longestMs = 21 * 60_000;

export const enrolCommand = new Command("enrol")
  .description("enrol this machine: shows a code that the owner approves on the phone, and waits")
  .argument("[url]", "address of the centre; the configured one when left out")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--again", "also when this machine belongs to a place already")
  .option("--json", "print one line per step")
  .addHelpText(
    "after",
    "\nExit code: 0 enrolled, 1 it could not be asked, 2 the owner refused, 3 nobody approved in time",
  )
  .action(async (url: string | undefined, options: EnrolOptions) => {
    if (url !== undefined && !centralUrl.safeParse(url).success) {
      throw new CommandFailure(
        `${url} is no address of a centre: it must start with https:// (http:// to 127.0.0.1 only).`,
      );
    }
    const agent = await connectToAgent(options.data);
    const giveUp = (): void => {
      agent.send({ kind: "cancel-enrolment" });
      agent.close();
      process.stderr.write("Given up; this machine is as it was.\n");
      process.exit(130);
    };
    process.once("SIGINT", giveUp);
    process.once("SIGTERM", giveUp);
    try {
      await enrol(agent, url, options);
    } finally {
      process.off("SIGINT", giveUp);
      process.off("SIGTERM", giveUp);
      agent.close();
    }
  });

async function enrol(agent: AgentClient, centre: string | undefined, { again, json }: EnrolOptions): Promise<void> {
  const before = await agent.view((view) => view.enrolment, 10_000, "enrolment");
  if (before.state === "enrolled" && again === undefined) return tell(before, json);
  if (again !== undefined) agent.send({ kind: "allow-enrolment" });
  // A request under way, begun by an invitation for example, is waited for and not begun anew.
  if (before.state !== "waiting" || centre !== undefined) {
    agent.send({ kind: "enrol", ...(centre === undefined ? {} : { centre }) });
    await agent.view(
      ({ enrolment }) => (enrolment.state === "asking" || enrolment.message !== null ? true : undefined),
      10_000,
      "enrolment",
    );
  }
  let told = "";
  const end = await agent.view(
    ({ enrolment }) => {
      const text = JSON.stringify([enrolment.state, enrolment.message?.en, userCodeOf(enrolment)]);
      if (text !== told) tell(enrolment, json);
      told = text;
      return enrolment.state === "waiting" || enrolment.state === "asking" ? undefined : enrolment;
    },
    longestMs,
    "enrolment",
  );
  const isDone = end.state === "enrolled" && end.message === null;
  if (isDone) return;
  process.exitCode = end.ended === "denied" ? exitCodes.refused : end.ended === "expired" ? exitCodes.expired : 1;
  const why = end.message?.en ?? "the request was given up";
  if (!json) process.stderr.write(`tram: Not enrolled: ${why}.\n`);
}

function userCodeOf(enrolment: EnrolmentView): string | null {
  return enrolment.state === "waiting" ? enrolment.userCode : null;
}

function tell(enrolment: EnrolmentView, json: true | undefined): void {
  const { state, centre, fingerprint, message } = enrolment;
  if (json) {
    return printJson({
      event: "enrolment",
      state,
      centre,
      fingerprint,
      ...(state === "waiting"
        ? { userCode: enrolment.userCode, verificationUri: enrolment.verificationUri, place: enrolment.placeName }
        : {}),
      ...(state === "enrolled" || state === "revoked" ? { name: enrolment.name, place: enrolment.placeName } : {}),
      message: message?.en ?? null,
    });
  }
  const lines: string[] = [];
  if (state === "asking") lines.push(`Asking ${centre ?? "the centre"} ...`);
  if (state === "waiting") {
    lines.push(
      "",
      `  Code          ${enrolment.userCode}`,
      `  Key           ${fingerprint}   (the phone must show the same)`,
      `  The owner     opens ${enrolment.verificationUri}`,
      ...(enrolment.placeName === null ? [] : [`  Place         ${enrolment.placeName}`]),
      "",
      "Waiting for the owner's approval; Ctrl+C gives up.",
    );
  }
  if (state === "enrolled") lines.push(`Enrolled at ${enrolment.placeName} as ${enrolment.name}.`);
  if (message !== null) lines.push(`${message.vi}`, `${message.en}`);
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}
