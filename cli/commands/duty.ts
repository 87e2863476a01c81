import { createInterface, type Interface } from "node:readline/promises";
import { Command } from "commander";
import type { DutyView } from "../../agent/kiosk-port/view.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { type AgentClient, connectToAgent } from "../agent-client.ts";
import { CommandFailure } from "../failure.ts";

/** Asks for a code; resolves when it was sent (or refused, or somebody is signed in already). */
export function requestCode(agent: AgentClient, phone: string): Promise<DutyView> {
  const answered = agent.next(
    (message) => {
      if (message.type !== "view") return undefined;
      const { duty } = message.view;
      return duty.state === "code-sent" || (duty.state === "none" && duty.message !== null) ? duty : undefined;
    },
    15_000,
    "sign-in",
  );
  agent.send({ kind: "sign-in", phone });
  return answered;
}

/** Hands the code in; resolves with what the centre said. `code` must have six digits. */
export function verifyCode(agent: AgentClient, code: string): Promise<DutyView> {
  let underWay = false;
  const answered = agent.next(
    (message) => {
      if (message.type !== "view") return undefined;
      const { duty } = message.view;
      if (duty.state === "verifying") underWay = true;
      return underWay && duty.state !== "verifying" ? duty : undefined;
    },
    15_000,
    "sign-in",
  );
  agent.send({ kind: "verify", code });
  return answered;
}

const login = new Command("login")
  .description("sign a staff member in on this machine: asks for the one-time code sent to the phone")
  .argument("<phone>", "phone number the owner has allowed")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .action(async (phone: string, { data }: { data: string }) => {
    const agent = await connectToAgent(data);
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    try {
      let duty = await requestCode(agent, phone);
      while (duty.state === "code-sent") {
        if (duty.message) process.stdout.write(`${duty.message.vi}\n${duty.message.en}\n`);
        const code = await ask(terminal, `Code sent to ${duty.phoneMasked}: `);
        if (!/^\d{6}$/.test(code)) process.stdout.write("The code has 6 digits.\n");
        else duty = await verifyCode(agent, code);
      }
      if (duty.state !== "signed-in") throw new CommandFailure(sentenceOf(duty));
      process.stdout.write(`Signed in: ${duty.name ?? duty.phoneMasked}\n`);
    } finally {
      terminal.close();
      agent.close();
    }
  });

const logout = new Command("logout")
  .description("sign the staff member out on this machine; recording goes on")
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .action(async ({ data }: { data: string }) => {
    const agent = await connectToAgent(data);
    try {
      const done = agent.next(
        (message) => (message.type === "view" && message.view.duty.state === "none" ? true : undefined),
        15_000,
        "sign-out",
      );
      agent.send({ kind: "sign-out" });
      await done;
      process.stdout.write("Signed out.\n");
    } finally {
      agent.close();
    }
  });

async function ask(terminal: Interface, question: string): Promise<string> {
  const closed = new Promise<never>((_, reject) => {
    terminal.once("close", () => reject(new CommandFailure("No code was given; run the command again and type it.")));
  });
  return (await Promise.race([terminal.question(question), closed])).trim();
}

function sentenceOf(duty: DutyView): string {
  return duty.state === "none" && duty.message ? duty.message.en : "Signing in failed; try again.";
}

export const dutyCommands = [login, logout];
