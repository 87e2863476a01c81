import { existsSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { writeDurably } from "../../provisioning/durable-file.ts";
import { makeOwnerKeyPair } from "../../provisioning/owner-key.ts";
import { Questions } from "../ask.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

/** NIST SP 800-63B, 5.1.1.2: at least so many characters, no rules about their kind. */
const shortestPassphrase = 8;

export const ownerKeyCommand = new Command("owner-key")
  .description("make the owner's key pair: the private part can read what a lost machine did not send")
  .requiredOption(
    "--out <file>",
    "file of the private key, on a stick or another machine; FILE.pub.pem beside it is the public one",
  )
  .option("--json", "print the result as one JSON line")
  .action(async ({ out, json }: { out: string; json?: true }) => {
    const publicFile = `${out.replace(/\.pem$/, "")}.pub.pem`;
    for (const file of [out, publicFile]) {
      if (existsSync(file)) {
        throw new CommandFailure(
          `There is a file ${file} already; it is not replaced, choose another name with --out.`,
        );
      }
    }
    using questions = new Questions();
    const passphrase = await questions.askSecret("Passphrase for the private key: ");
    if (passphrase.length < shortestPassphrase) {
      throw new CommandFailure(
        `The passphrase needs at least ${shortestPassphrase} characters; run the command again.`,
      );
    }
    if (process.stdin.isTTY && (await questions.askSecret("The same once more: ")) !== passphrase) {
      throw new CommandFailure("The two passphrases differ; run the command again.");
    }
    const pair = makeOwnerKeyPair(passphrase);
    try {
      writeDurably(out, pair.privatePem, 0o600);
      writeDurably(publicFile, pair.publicPem, 0o644);
    } catch (error) {
      throw new CommandFailure(
        `The keys could not be written (${(error as NodeJS.ErrnoException).code}); check the path given with --out.`,
      );
    }
    if (json) printJson({ privateKey: out, publicKey: publicFile, fingerprint: pair.fingerprint });
    else {
      process.stdout.write(
        `Private key: ${out} (keep it and its passphrase away from the station, in two places)\nPublic key: ${publicFile} (fingerprint ${pair.fingerprint})\nName the public key in the station's configuration: "journal": {"ownerKey": ${JSON.stringify(path.resolve(publicFile))}}\n`,
      );
    }
  });
