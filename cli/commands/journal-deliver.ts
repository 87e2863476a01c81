import { createSecretKey, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "commander";
import { CarryFile } from "../../agent/carry/carry-file.ts";
import { deliver } from "../../agent/carry/deliver.ts";
import { type ReceiptItem, receiptLines } from "../../agent/carry/receipt.ts";
import { systemClock } from "../../agent/clock.ts";
import { CredentialStore } from "../../agent/duty/credential-store.ts";
import { Duty } from "../../agent/duty/duty.ts";
import { CentralApi } from "../../agent/sync/central-api.ts";
import { newProofKey } from "../../contract/dpop.ts";
import { centralUrl } from "../../provisioning/agent-config.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
import { loadOwnerPrivateKey } from "../../provisioning/owner-key.ts";
import { Questions } from "../ask.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

interface DeliverOptions {
  ownerKey: string;
  central: string;
  phone?: string;
  json?: true;
}

export const deliverCommand = new Command("deliver")
  .description("bring the entries of a carry file to the centre, from any machine, under a staff sign-in")
  .argument("<file>", "file that tram journal carry or recover has written")
  .requiredOption("--owner-key <file>", "owner's private key (PEM); its passphrase is asked for")
  .requiredOption("--central <url>", "address of the central service")
  .option("--phone <number>", "phone of a staff member of the place; asked for when absent")
  .option("--json", "print the result as one JSON line")
  .action(async (file: string, options: DeliverOptions) => {
    const central = centralUrl.safeParse(options.central);
    if (!central.success)
      throw new CommandFailure(`The address given with --central ${central.error.issues[0]?.message}.`);
    using questions = new Questions();
    const owner = await loadOwnerPrivateKey(options.ownerKey, () =>
      questions.askSecret("Passphrase of the owner key: "),
    );
    using carried = new CarryFile(file, owner);
    const clock = systemClock();
    let serverOffsetMs = 0;
    const api = new CentralApi(central.data, clock, await newProofKey(), (offsetMs) => {
      serverOffsetMs = offsetMs;
    });
    const folder = mkdtempSync(path.join(os.tmpdir(), "tram-deliver-"));
    const duty = new Duty({
      api,
      // A sign-in of this call only: its key is nowhere but in this process.
      store: new CredentialStore(path.join(folder, "duty.sealed"), createSecretKey(randomBytes(32))),
      clock,
      deviceId: carried.manifest.deviceId,
      boundCheckpoint: () => carried.manifest.checkpointId,
      onCheckpoint: () => {},
      onChange: () => {},
      onSignedIn: () => {},
      log: () => {},
    });
    const items: ReceiptItem[] = [];
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    process.once("SIGINT", stop).once("SIGTERM", stop);
    try {
      await signIn(duty, questions, options.phone);
      const { waiting, fault } = await delivered(carried, {
        api,
        duty,
        clock,
        items,
        stopping,
        offset: () => serverOffsetMs,
      });
      const receipt = writeReceipt(file, carried, items);
      const count = (status: ReceiptItem["status"]): number => items.filter((item) => item.status === status).length;
      const counts = { stored: count("stored"), duplicate: count("duplicate"), rejected: count("rejected"), waiting };
      if (options.json) printJson({ ...counts, receipt, complete: fault === null && waiting === 0 });
      else {
        process.stdout.write(
          `${counts.stored} stored, ${counts.duplicate} were there already, ${counts.rejected} rejected, ${waiting} to bring again later.\nReceipt: ${receipt ?? "none, nothing was answered"}${receipt === null ? "" : " (take it back to the station: tram journal receipt)"}\n`,
        );
      }
      if (fault !== null) throw fault;
      if (waiting > 0) {
        throw new CommandFailure(
          `The centre asked to bring ${waiting} entries again later; run the same command again.`,
        );
      }
    } finally {
      process.off("SIGINT", stop).off("SIGTERM", stop);
      await duty.signOut().catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    }
  });

interface Delivered {
  readonly api: CentralApi;
  readonly duty: Duty;
  readonly clock: ReturnType<typeof systemClock>;
  readonly items: ReceiptItem[];
  readonly stopping: AbortController;
  readonly offset: () => number;
}

/** What was answered before a fault is in `items` and is worth a receipt. */
async function delivered(
  carried: CarryFile,
  { api, duty, clock, items, stopping, offset }: Delivered,
): Promise<{ waiting: number; fault: AgentError | null }> {
  try {
    const { waiting } = await deliver(carried, {
      api,
      credential: duty,
      clock,
      serverOffsetMs: offset,
      onAnswered: (answered) => items.push(...answered),
      cancelled: stopping.signal,
    });
    return { waiting, fault: null };
  } catch (fault) {
    if (!(fault instanceof AgentError)) throw fault;
    return { waiting: 0, fault };
  }
}

function writeReceipt(file: string, carried: CarryFile, items: readonly ReceiptItem[]): string | null {
  if (items.length === 0) return null;
  const receipt = `${file}.receipt`;
  const key = Buffer.from(carried.manifest.receiptKey, "base64");
  const answered = { carry: carried.id, device: carried.manifest.deviceId };
  try {
    writeDurably(receipt, [...receiptLines(answered, items, key)].join(""));
  } catch (error) {
    throw new CommandFailure(
      `The entries were delivered, but the receipt ${receipt} could not be written (${(error as NodeJS.ErrnoException).code}); make room and run the command again.`,
    );
  }
  return receipt;
}

async function signIn(duty: Duty, questions: Questions, phoneGiven: string | undefined): Promise<void> {
  await duty.requestCode(phoneGiven ?? (await questions.ask("Phone of a staff member of the place: ")));
  for (let view = duty.view; view.state !== "signed-in"; view = duty.view) {
    if (view.state !== "code-sent") {
      const why = view.state === "none" && view.message !== null ? view.message.en : "Signing in failed; try again.";
      throw new CommandFailure(why);
    }
    if (view.message) process.stderr.write(`${view.message.vi}\n${view.message.en}\n`);
    await duty.verify(await questions.ask(`Code sent to ${view.phoneMasked}: `));
  }
}
