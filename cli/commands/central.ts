import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { consoleOtpSender } from "../../central/otp-senders.ts";
import { startCentral } from "../../central/server.ts";
import { readSmsConfig } from "../../central/sms/config.ts";
import { smsSender } from "../../central/sms/sender.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { CommandFailure } from "../failure.ts";
import { endGracefully } from "../lifetime.ts";
import { openLog } from "../log.ts";
import { builtFolder, printJson } from "../output.ts";

export const centralCommand = new Command("central")
  .description("run the central service")
  .option("--port <number>", "port to listen on", "7080")
  .option("--host <address>", "address to listen on; put a TLS proxy in front of anything but 127.0.0.1", "127.0.0.1")
  .option("--database <url>", "sqlite:PATH (default: central/central.db in the data folder)")
  .option("--public-url <url>", "address people reach the service at, printed in place codes", publicAddress)
  .option(
    "--trusted-proxies <addresses>",
    "reverse proxies whose X-Forwarded-For is believed, comma-separated; without it all callers behind one share its limits",
  )
  .option("--sms <file>", "how one-time codes are sent by text message (JSON); without it they are printed here")
  .option("--min-version <version>", "machines with an older program are told to be updated", programVersion)
  .option("--json", "print machine-readable lines")
  .action(
    async (options: {
      sms?: string;
      trustedProxies?: string;
      port: string;
      host: string;
      database?: string;
      publicUrl?: string;
      minVersion?: string;
      json?: true;
    }) => {
      const database = options.database ?? defaultDatabase();
      const sender =
        options.sms === undefined
          ? consoleOtpSender(process.stdout, { json: options.json === true })
          : smsSender(readSmsConfig(options.sms));
      const log = openLog("central");
      log.level = "warn";
      const central = await startCentral({
        host: options.host,
        port: portNumber(options.port, "--port"),
        database,
        pagesDir: existsSync(builtFolder("pages")) ? builtFolder("pages") : null,
        otpSender: sender,
        logger: log,
        ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
        ...(options.minVersion === undefined ? {} : { minVersion: options.minVersion }),
        ...(options.trustedProxies === undefined ? {} : { trustedProxies: options.trustedProxies }),
      });
      endGracefully(() => central.close());
      if (options.json) printJson({ event: "ready", url: central.url, pid: process.pid });
      else {
        process.stdout.write(
          `The central service is running at ${central.url} (live list: ${central.url}/live).\n` +
            (options.sms === undefined ? "One-time codes are printed here, because no SMS sender is set up.\n" : "") +
            "Press Ctrl+C to stop.\n",
        );
      }
    },
  );

function publicAddress(text: string): string {
  if (/^https?:\/\/[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?:\/[A-Za-z0-9./-]{0,100})?$/.test(text)) return text;
  throw new CommandFailure(`--public-url takes an address like https://qr.example.vn, not "${text.slice(0, 100)}".`);
}

function programVersion(text: string): string {
  if (/^\d{1,5}\.\d{1,5}\.\d{1,5}$/.test(text)) return text;
  throw new CommandFailure(`--min-version takes a version like 1.2.3, not "${text.slice(0, 100)}".`);
}

/** @throws CommandFailure naming the flag */
export function portNumber(text: string, flag: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CommandFailure(`${flag} takes a port from 0 (any free one) to 65535, not "${text}".`);
  }
  return port;
}

function defaultDatabase(): string {
  const folder = path.join(defaultDataFolder(), "central");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return `sqlite:${path.join(folder, "central.db")}`;
}
