/**
 * `node bench/central-process.ts FOLDER DEVICE...`: a real central service over a new database in FOLDER, with one checkpoint,
 * one signed-in scanner, and these devices enrolled under the scanner's key. Prints one line when it listens; ends when its
 * standard input does.
 */
import path from "node:path";
import { pino } from "pino";
import { newPrivateKey, signingKeyOf } from "../agent/device-key.ts";
import { systemClock } from "../central/clock.ts";
import type { TokenReply } from "../contract/people.ts";
import { newCheckpoint, Rig } from "../testing/central-rig.ts";
import { checkpointId } from "../testing/drafts.ts";

/** The line on standard output. */
export interface CentralReady {
  readonly url: string;
  readonly tokens: TokenReply;
  /** The private key of the devices, that the tokens are bound to (PKCS#8, PEM). */
  readonly pem: string;
}

if (import.meta.main) {
  const [folder = ".", ...devices] = process.argv.slice(2);
  await using rig = await Rig.start({
    database: `sqlite:${path.join(folder, "central.db")}`,
    clock: systemClock,
    logger: pino({ level: "silent" }),
  });
  const pem = await newPrivateKey();
  rig.key = signingKeyOf(pem);
  const owner = await rig.signIn("0900000001", "owner");
  const made = await rig.call("POST", "/v1/checkpoints", {
    body: newCheckpoint(checkpointId),
    token: owner.access_token,
  });
  if (made.status !== 201) throw new Error(`No checkpoint: ${made.text}`);
  const { tokens } = await rig.staff(owner, checkpointId, "0900000002");
  for (const id of devices) await rig.enrolled({ id, checkpointId }, await rig.key);
  process.stdout.write(`${JSON.stringify({ url: rig.url, tokens, pem } satisfies CentralReady)}\n`);
  for await (const _ of process.stdin);
}
