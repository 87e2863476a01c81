import { existsSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { openElectronPort } from "../../agent/carriers/electron-port.ts";
import { pageFile, startAgent } from "../../agent/main.ts";
import { type AgentConfig, agentConfig, loadAgentConfig } from "../../provisioning/agent-config.ts";
import { defaultDataFolder } from "../../provisioning/data-folder.ts";
import { CommandFailure } from "../failure.ts";
import { startChild } from "../launch/child.ts";
import { reportProgress } from "../launch/parent.ts";
import { Supervisor } from "../launch/supervisor.ts";
import { endGracefully } from "../lifetime.ts";
import { openLog } from "../log.ts";
import { agentNodeFlags, builtFolder, ownProgram, printJson } from "../output.ts";

interface AgentCommandOptions {
  config?: string;
  data: string;
  json?: true;
  supervisor: boolean;
}

/** Longer than an agent may take to end. */
const patienceMs = 12_000;
/** These pass without anybody, also before the agent has ever run; any other fault of the first start ends the command. */
const passing = new Set<string | null>(["journal.disk-full", "journal.write-failed"]);

export const agentCommand = new Command("agent")
  .description("run the station's agent: readers, journal, sending, and the kiosk page on 127.0.0.1")
  .option("--config <file>", "configuration file (JSON); agent.json in the data folder when there is one")
  .option("--data <folder>", "data folder, for a machine without a configuration file", defaultDataFolder())
  .option("--json", "print one line when ready and one per scan")
  .option("--no-supervisor", "run it in this very process, for whoever starts it again after a crash or a hang")
  .action((options: AgentCommandOptions) => (options.supervisor ? supervise(options) : run(options)));

/** The agent as a child: started again after a crash, killed and started again when it makes no progress. */
async function supervise({ config, data, json }: AgentCommandOptions): Promise<void> {
  const args = [
    ...agentNodeFlags,
    ownProgram(),
    "agent",
    "--no-supervisor",
    ...(config === undefined ? ["--data", data] : ["--config", config]),
    ...(json ? ["--json"] : []),
  ];
  const start = () => startChild(process.execPath, args, "agent", null);
  const first = start();
  await using supervisor = new Supervisor(first, {
    name: "agent",
    start,
    watched: true,
    say: (sentence) => process.stderr.write(`tram: ${sentence}\n`),
  });
  endGracefully(() => supervisor[Symbol.asyncDispose](), patienceMs);
  await new Promise<void>((_resolve, reject) => {
    let worked = false;
    first.onMessage((message) => {
      worked ||= message.type === "progress" && message.phase === "working";
      if (message.type === "fault" && !worked && !passing.has(message.code))
        reject(new CommandFailure(message.sentence));
    });
  });
}

async function run({ config: file, data, json }: AgentCommandOptions): Promise<void> {
  const log = openLog("agent");
  const progress = reportProgress();
  const starting = startAgent({
    config: configOf(file, data),
    pageDir: builtFolder("kiosk"),
    log: (event, facts) => log.info(facts, event),
    onOutcome: (outcome) => {
      if (json) printJson(outcome);
    },
  });
  // From the first moment: a parent that is gone before the agent is ready leaves none behind.
  endGracefully(() => starting.then((agent) => agent.stop()));
  const agent = await starting;
  openElectronPort((port) => agent.addScreen(port));
  progress.workWith(() => agent.alive());
  if (json) printJson({ event: "ready", kiosk: agent.pageUrl, dataDir: agent.dataDir, pid: process.pid });
  else {
    // Not the address itself: a service manager would keep its token in a log.
    const page = path.join(agent.dataDir, pageFile);
    process.stdout.write(`The agent is running. Kiosk page: open ${page} in a browser.\nPress Ctrl+C to stop.\n`);
  }
}

/** A new machine needs no file at all: its readers are found, and the owner's invitation tells the rest. */
function configOf(file: string | undefined, dataDir: string): AgentConfig {
  const usual = path.join(dataDir, "agent.json");
  if (file !== undefined || existsSync(usual)) return loadAgentConfig(file ?? usual);
  return agentConfig.parse({ dataDir });
}
