import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { enrolmentFile, type KeptEnrolment, readEnrolment } from "../../agent/enrolment/enrolment-file.ts";
import type { KioskView } from "../../agent/kiosk-port/view.ts";
import { pageFile } from "../../agent/main.ts";
import { type AgentConfig, agentConfig } from "../../provisioning/agent-config.ts";
import { AgentError } from "../../provisioning/agent-error.ts";
import { connectToAgent } from "../agent-client.ts";
import { configArgument, findHolder, type Holder } from "./holder.ts";

/** What every check looks at; gathered once, changing nothing. */
export interface Station {
  readonly dataDir: string;
  /** Null when none was found; see {@link configFileOf}. */
  readonly configFile: string | null;
  /** Null when there is none or it has mistakes. */
  readonly config: AgentConfig | null;
  /** The agent that uses the folder. */
  readonly agent: Holder | null;
  /** `tram start` over the folder. */
  readonly launcher: Holder | null;
  /** To whom this machine belongs, as kept on its disk. */
  readonly kept: KeptEnrolment;
  readonly isEnrolmentDamaged: boolean;
  /** What the running agent shows; null when none runs or it does not answer. */
  readonly view: KioskView | null;
}

const answerWithinMs = 5_000;

export async function lookAtStation(dataDir: string, configFile: string | null): Promise<Station> {
  const agent = await findHolder(dataDir, "agent");
  const launcher = await findHolder(dataDir, "launcher");
  const file = configFile ?? configFileOf(dataDir, agent);
  const { content, damaged } = readEnrolment(path.join(dataDir, enrolmentFile));
  return {
    dataDir,
    configFile: file,
    config: file === null ? null : readConfig(file),
    agent,
    launcher,
    kept: content,
    isEnrolmentDamaged: damaged,
    view: agent === null ? null : await viewOf(dataDir),
  };
}

/** The file the running agent was started with, or the one that `tram start` writes. */
function configFileOf(dataDir: string, agent: Holder | null): string | null {
  const running = agent?.pid === null || agent?.pid === undefined ? null : configArgument(agent.pid);
  if (running !== null) return running;
  const own = path.join(dataDir, "agent.json");
  return existsSync(own) ? own : null;
}

function readConfig(file: string): AgentConfig | null {
  try {
    const parsed = agentConfig.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

async function viewOf(dataDir: string): Promise<KioskView | null> {
  try {
    const agent = await connectToAgent(dataDir);
    try {
      return await agent.view((view) => view, answerWithinMs, pageFile);
    } finally {
      agent.close();
    }
  } catch (error) {
    if (error instanceof AgentError || error instanceof Error) return null;
    throw error;
  }
}
