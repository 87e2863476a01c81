import { Command } from "commander";
import { openElectronPort } from "../../agent/carriers/electron-port.ts";
import { startAgent } from "../../agent/main.ts";
import { loadAgentConfig } from "../../provisioning/agent-config.ts";
import { endGracefully } from "../lifetime.ts";
import { openLog } from "../log.ts";
import { builtFolder, printJson } from "../output.ts";

export const agentCommand = new Command("agent")
  .description("run the station's agent: readers, journal, sending, and the kiosk page on 127.0.0.1")
  .requiredOption("--config <file>", "configuration file (JSON)")
  .option("--json", "print one line when ready and one per scan")
  .action(async ({ config: file, json }: { config: string; json?: true }) => {
    const log = openLog("agent");
    const config = loadAgentConfig(file);
    const agent = await startAgent({
      config,
      pageDir: builtFolder("kiosk"),
      log: (event, facts) => log.info(facts, event),
      onOutcome: (outcome) => {
        if (json) printJson(outcome);
      },
    });
    endGracefully(() => agent.stop());
    openElectronPort((port) => agent.addScreen(port));
    if (json) printJson({ event: "ready", kiosk: agent.pageUrl, dataDir: agent.dataDir, pid: process.pid });
    else process.stdout.write(`The agent is running. Kiosk page: ${agent.pageUrl}\nPress Ctrl+C to stop.\n`);
  });
