import path from "node:path";
import { Command } from "commander";
import { openElectronPort } from "../../agent/carriers/electron-port.ts";
import { pageFile, startAgent } from "../../agent/main.ts";
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
    else {
      // Not the address itself: a service manager would keep its token in a log.
      const page = path.join(agent.dataDir, pageFile);
      process.stdout.write(`The agent is running. Kiosk page: open ${page} in a browser.\nPress Ctrl+C to stop.\n`);
    }
  });
