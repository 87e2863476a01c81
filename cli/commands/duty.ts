import { Command } from "commander";
import type { DutyView, KioskView } from "../../agent/kiosk-port/view.ts";
import { maskPhone, normalisePhone } from "../../contract/people.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { type AgentClient, connectToAgent } from "../agent-client.ts";
import { Questions } from "../ask.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

const answeredWithinMs = 15_000;

/** Asks for a code; resolves when it was sent (or refused, or somebody is signed in already). */
export function requestCode(agent: AgentClient, phone: string): Promise<DutyView> {
  const answered = agent.next(
    (message) => {
      if (message.type !== "view") return undefined;
      const { duty } = message.view;
      return duty.state === "code-sent" || (duty.state === "none" && duty.message !== null) ? duty : undefined;
    },
    answeredWithinMs,
    "sign-in",
  );
  agent.send({ kind: "sign-in", phone });
  return answered;
}

/** Hands the code in; resolves with what the centre said. `code` must have six digits. */
export function verifyCode(agent: AgentClient, code: string): Promise<DutyView> {
  const answered = after(agent, ({ state }) => state === "verifying");
  agent.send({ kind: "verify", code });
  return answered;
}

/** What comes of something that is seen to be under way first. */
function after(agent: AgentClient, isUnderWay: (duty: DutyView) => boolean): Promise<DutyView> {
  let underWay = false;
  return agent.next(
    (message) => {
      if (message.type !== "view") return undefined;
      const { duty } = message.view;
      if (isUnderWay(duty)) underWay = true;
      return underWay && !isUnderWay(duty) ? duty : undefined;
    },
    answeredWithinMs,
    "sign-in",
  );
}

interface LoginOptions {
  readonly data: string;
  readonly pin?: true;
  readonly setPin?: true;
  readonly json?: true;
}

const login = new Command("login")
  .description("bring a staff member on duty on this machine, by the one-time code sent to the phone or by PIN")
  .argument("<phone>", "phone number the owner has allowed")
  .option("--pin", "with the PIN that this member chose on this machine; works without a network")
  .option("--set-pin", "choose a PIN after the code, also where no terminal asks for it")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "print the result as one JSON line; questions go to standard error")
  .action(async (phone: string, options: LoginOptions) => {
    const agent = await connectToAgent(options.data);
    using questions = new Questions();
    try {
      const duty = options.pin ? await byPin(agent, questions, phone) : await byCode(agent, questions, phone);
      if (duty.state !== "signed-in") throw new CommandFailure(sentenceOf(duty));
      const asksForPin = options.setPin === true || process.stdin.isTTY === true;
      if (duty.pinChoice !== null && asksForPin) await choosePin(agent, questions);
      await agent.view(({ staff }) => sayOnDuty(staff, options.json === true), answeredWithinMs, "who is on duty");
    } finally {
      agent.close();
    }
  });

/** Prints who is on duty; undefined as long as nobody is. */
function sayOnDuty({ onDuty, known }: KioskView["staff"], json: boolean): true | undefined {
  if (onDuty === null) return undefined;
  const { name, phoneMasked, role, sinceMs } = onDuty;
  const pin = known.find(({ id }) => id === onDuty.id)?.pin ?? "none";
  if (json)
    printJson({ event: "signed-in", name, phone: phoneMasked, role, since: new Date(sinceMs).toISOString(), pin });
  else process.stdout.write(`Signed in: ${name ?? phoneMasked}\n`);
  return true;
}

async function byCode(agent: AgentClient, questions: Questions, phone: string): Promise<DutyView> {
  let duty = await requestCode(agent, phone);
  while (duty.state === "code-sent") {
    if (duty.message) process.stderr.write(`${duty.message.vi}\n${duty.message.en}\n`);
    const code = await questions.ask(`Code sent to ${duty.phoneMasked}: `);
    if (!/^\d{6}$/.test(code)) process.stderr.write("The code has 6 digits.\n");
    else duty = await verifyCode(agent, code);
  }
  return duty;
}

async function byPin(agent: AgentClient, questions: Questions, phone: string): Promise<DutyView> {
  const normalised = normalisePhone(phone);
  const known = await agent.view(({ staff }) => staff.known, answeredWithinMs, "who is known");
  const called = known.filter(({ phoneMasked }) => normalised !== null && phoneMasked === maskPhone(normalised));
  const [member] = called;
  if (member === undefined) {
    throw new CommandFailure(`This machine knows no member with this phone; sign in with a code: tram login ${phone}`);
  }
  if (called.length > 1) {
    throw new CommandFailure("Several members look alike by their phone here; choose the name on the kiosk screen.");
  }
  const asked: Promise<DutyView> = agent.next(
    (message) => {
      if (message.type !== "view") return undefined;
      const { duty } = message.view;
      const isAsked = duty.state === "pin" && duty.staffId === member.id;
      return isAsked || (duty.state === "none" && duty.message !== null) ? duty : undefined;
    },
    answeredWithinMs,
    "the PIN",
  );
  agent.send({ kind: "take-over", staffId: member.id });
  let duty = await asked;
  while (duty.state === "pin") {
    if (duty.message) process.stderr.write(`${duty.message.vi}\n${duty.message.en}\n`);
    if (duty.waitS > 0) {
      agent.send({ kind: "cancel-sign-in" });
      throw new CommandFailure(`Too many wrong PINs; try again in ${duty.waitS} s, or sign in with a code.`);
    }
    const pin = await questions.askSecret("PIN: ");
    if (!/^\d{4,8}$/.test(pin)) process.stderr.write("A PIN has 4 to 8 digits.\n");
    else duty = await tryPin(agent, pin);
  }
  return duty;
}

function tryPin(agent: AgentClient, pin: string): Promise<DutyView> {
  const checked = after(agent, (duty) => duty.state === "pin" && duty.checking);
  agent.send({ kind: "pin", pin });
  return checked;
}

async function choosePin(agent: AgentClient, questions: Questions): Promise<void> {
  for (;;) {
    const pin = await questions.askSecret("PIN for the next shifts, 4 to 8 digits (empty for none): ");
    if (pin === "") return agent.send({ kind: "cancel-sign-in" });
    const again = await questions.askSecret("The same PIN again: ");
    const fault = agent.next(
      (message) => {
        if (message.type !== "view" || message.view.duty.state !== "signed-in") return undefined;
        const { pinChoice } = message.view.duty;
        return pinChoice === null ? "none" : (pinChoice.message ?? undefined);
      },
      answeredWithinMs,
      "the PIN",
    );
    agent.send({ kind: "choose-pin", pin, again });
    const found = await fault;
    if (found === "none") return;
    process.stderr.write(`${found.vi}\n${found.en}\n`);
  }
}

const logout = new Command("logout")
  .description("sign the staff member on duty out: the machine forgets it; recording goes on")
  .option("--off-duty", "only off duty: the machine still knows the member, whose PIN is enough next time")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "print the result as one JSON line")
  .action(async ({ data, offDuty, json }: { data: string; offDuty?: true; json?: true }) => {
    const agent = await connectToAgent(data);
    try {
      const before = await agent.view(({ staff }) => staff, answeredWithinMs, "who is on duty");
      if (before.onDuty !== null) {
        const { id } = before.onDuty;
        const done = agent.next(
          (message) => (message.type === "view" && message.view.staff.onDuty?.id !== id ? true : undefined),
          answeredWithinMs,
          "sign-out",
        );
        agent.send(offDuty ? { kind: "go-off-duty" } : { kind: "sign-out" });
        await done;
      }
      const event = before.onDuty === null ? "nobody-on-duty" : offDuty ? "off-duty" : "signed-out";
      if (json) printJson({ event, name: before.onDuty?.name ?? null });
      else
        process.stdout.write(
          { "nobody-on-duty": "Nobody was on duty.\n", "off-duty": "Off duty.\n", "signed-out": "Signed out.\n" }[
            event
          ],
        );
    } finally {
      agent.close();
    }
  });

function sentenceOf(duty: DutyView): string {
  return duty.state === "none" && duty.message ? duty.message.en : "Signing in failed; try again.";
}

export const dutyCommands = [login, logout];
