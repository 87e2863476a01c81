import { Command } from "commander";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { connectToAgent } from "../agent-client.ts";
import { printJson } from "../output.ts";

const answeredWithinMs = 60_000;

export const sendAgainCommand = new Command("send-again")
  .description(
    "send the entries that the centre refused once more, after the cause was mended; needs the running agent",
  )
  .option("--data <folder>", "data folder of the agent", defaultDataFolder())
  .option("--json", "print the result as one JSON line")
  .action(async ({ data, json }: { data: string; json?: true }) => {
    const agent = await connectToAgent(data);
    try {
      const before = await agent.view((view) => view.queue.quarantined, answeredWithinMs, "its queue");
      let left = before;
      if (before > 0) {
        const fewer = agent.next(
          (message) =>
            message.type === "view" && message.view.queue.quarantined < before
              ? message.view.queue.quarantined
              : undefined,
          answeredWithinMs,
          'the refused entries; see "tram journal verify" for damaged ones',
        );
        agent.send({ kind: "send-refused-again" });
        left = await fewer;
      }
      if (json) printJson({ released: before - left, left });
      else if (before === 0) process.stdout.write("No entry was refused; there is nothing to send again.\n");
      else {
        process.stdout.write(
          `${before - left} refused entries are sent again; "tram journal list" shows what becomes of them.\n`,
        );
      }
    } finally {
      agent.close();
    }
  });
