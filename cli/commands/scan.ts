import { randomUUID } from "node:crypto";
import { Command, Option } from "commander";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { connectToAgent } from "../agent-client.ts";
import { CommandFailure } from "../failure.ts";
import { printJson } from "../output.ts";

interface ScanOptions {
  data: string;
  base64?: true;
  direction?: "in" | "out" | "auto";
  json?: true;
}

export const scanCommand = new Command("scan")
  .description("give the running agent a scan, as if a reader had read it")
  .argument("<payload>", "text of the code")
  .option("--base64", "the payload is base64 of the raw bytes")
  .addOption(new Option("--direction <way>", "which way it counts").choices(["in", "out", "auto"]))
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "print the outcome as one JSON line")
  .action(async (payload: string, options: ScanOptions) => {
    const bytes = Buffer.from(payload, options.base64 ? "base64" : "utf8");
    if (bytes.length === 0) throw new CommandFailure("The payload is empty; give the text of a code in quotes.");
    if (bytes.length > 8192)
      throw new CommandFailure(`The payload has ${bytes.length} bytes; a code holds at most 8192.`);
    const agent = await connectToAgent(options.data);
    try {
      const correlationId = randomUUID();
      const outcome = agent.next(
        (message) =>
          message.type === "outcome" && message.outcome.correlationId === correlationId ? message.outcome : undefined,
        5_000,
        "scan",
      );
      agent.send({
        kind: "captured",
        source: "typed",
        bytesB64: bytes.toString("base64"),
        correlationId,
        ...(options.direction ? { direction: options.direction } : {}),
      });
      const result = await outcome;
      if (options.json) printJson(result);
      else process.stdout.write(`${result.sentence.vi}\n${result.sentence.en}\n`);
      if (result.verdict === "refuse") process.exitCode = 1;
    } finally {
      agent.close();
    }
  });
