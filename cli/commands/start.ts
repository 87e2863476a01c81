import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { lockFolder } from "../../agent/folder-lock.ts";
import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";
import type { DutyView } from "../../agent/kiosk-port/view.ts";
import { pageFile } from "../../agent/main.ts";
import { parseReaderChoice } from "../../drivers/reader-spec.ts";
import { type AgentConfig, agentConfig, loadAgentConfig } from "../../provisioning/agent-config.ts";
import { defaultDataFolder, prepareDataFolder, volatileFileSystem } from "../../provisioning/data-folder.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
import { connectToAgent } from "../agent-client.ts";
import { CommandFailure } from "../failure.ts";
import { type Child, ChildEnded, type Event, setLogAside, startChild } from "../launch/child.ts";
import { type Demo, enrolStation, ensureDemo } from "../launch/demo.ts";
import { Supervisor } from "../launch/supervisor.ts";
import { obtainElectron, openInBrowser, whyNoWindow } from "../launch/window.ts";
import { endGracefully } from "../lifetime.ts";
import { agentNodeFlags, builtFolder, ownProgram, printJson } from "../output.ts";
import { portNumber } from "./central.ts";
import { requestCode, verifyCode } from "./duty.ts";

interface StartOptions {
  data: string;
  centralPort?: string;
  kioskPort?: string;
  window: boolean;
  central?: string;
  reader: string[];
  cameraFile?: string;
  json?: true;
}

const readyWithinMs = 30_000;

export const startCommand = new Command("start")
  .description("the whole system on this machine: central service, agent, kiosk window")
  .option("--data <folder>", "data folder", defaultDataFolder())
  .option("--central-port <number>", "port of the embedded central service (default: 7080, or a free one)")
  .option("--kiosk-port <number>", "port of the kiosk page (default: 7081, or a free one)")
  .option("--no-window", "open no window")
  .option("--central <url>", "use this central service instead of the embedded one")
  .option(
    "--reader <spec>",
    "a reader, e.g. serial:/dev/ttyACM0?direction=in, or auto, the default: all that are found (repeatable)",
    collect,
    [],
  )
  .option("--camera-file <file>", "play a video (.y4m or .mjpeg) to the kiosk in the place of a camera, in a browser")
  .option("--json", "print one line when ready and one per scan")
  .action(async (options: StartOptions) => {
    if (options.cameraFile !== undefined) checkVideo(options.cameraFile);
    for (const spec of options.reader) parseReaderChoice(spec);
    const dataDir = prepareDataFolder(options.data);
    const lock = await lockFolder(dataDir, "launcher");
    const launch = new Launch(dataDir, options);
    try {
      await launch.run();
    } catch (error) {
      await launch.stop();
      lock.close();
      throw error;
    }
  });

/** Chromium takes a file it cannot play for "no camera" and says nothing more. */
function checkVideo(file: string): void {
  if (!/\.(y4m|mjpeg)$/i.test(file)) {
    throw new CommandFailure(`${file} cannot be played as a camera: name a video ending in .y4m or .mjpeg.`);
  }
  if (!existsSync(file)) throw new CommandFailure(`The video ${file} is not there: correct the path.`);
}

/** One run of `tram start`: the children it holds and what it tells. */
class Launch {
  readonly #dataDir: string;
  readonly #options: StartOptions;
  readonly #logDir: string;
  readonly #running: AsyncDisposable[] = [];
  /** Codes the embedded centre sent to its console, by phone, and who waits for one. */
  readonly #codeListeners = new Set<(phone: string, code: string) => void>();

  constructor(dataDir: string, options: StartOptions) {
    this.#dataDir = dataDir;
    this.#options = options;
    this.#logDir = path.join(dataDir, "log");
    mkdirSync(this.#logDir, { recursive: true, mode: 0o700 });
  }

  async run(): Promise<void> {
    const { central: realCentral, json } = this.#options;
    // Longer than a child may take to end.
    endGracefully(() => this.stop(), 12_000);
    if (realCentral && existsSync(path.join(this.#dataDir, "demo.json"))) {
      throw new CommandFailure(
        `The data folder ${this.#dataDir} holds the demonstration; choose another with --data to work with ${realCentral}.`,
      );
    }
    for (const log of ["central.log", "agent.log"]) setLogAside(path.join(this.#logDir, log));
    const centralUrl = realCentral ?? (await this.#startCentral());
    const demo = realCentral ? null : await ensureDemo(this.#dataDir, centralUrl, (phone) => this.#codeFor(phone));
    const configFile = path.join(this.#dataDir, "agent.json");
    const config = this.#agentConfig(centralUrl);
    const windowless = this.#options.window ? whyNoWindow() : "--no-window";
    const video = this.#options.cameraFile;
    // Only a browser of one's own is told to take a file for a camera; the locked window never is.
    const electron = windowless === null && video === undefined ? obtainElectron() : null;
    const kioskUrl = await this.#startAgent(configFile, config, electron);
    if (demo) {
      await this.#ensureEnrolled(centralUrl, demo);
      await this.#ensureSignedIn(demo.staffPhone);
    }
    const window =
      windowless === null &&
      (electron !== null ||
        openInBrowser(path.join(this.#dataDir, pageFile), path.join(this.#dataDir, "browser"), video));
    if (json) {
      printJson({
        event: "ready",
        kiosk: kioskUrl,
        central: centralUrl,
        dataDir: this.#dataDir,
        checkpointId: demo?.checkpointId ?? null,
        staffPhone: demo?.staffPhone ?? null,
        ownerPhone: demo?.ownerPhone ?? null,
      });
    } else this.#welcome(kioskUrl, centralUrl, demo, window, windowless);
  }

  async stop(): Promise<void> {
    // The agent first: what it still sends should find the centre.
    for (const child of this.#running.splice(0).reverse()) await child[Symbol.asyncDispose]();
  }

  async #startCentral(): Promise<string> {
    const folder = path.join(this.#dataDir, "central");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const given = this.#options.centralPort;
    const args = (port: string): string[] => [
      ownProgram(),
      "central",
      "--json",
      "--port",
      port,
      "--database",
      `sqlite:${path.join(folder, "central.db")}`,
    ];
    const starter = (port: string) => this.#starter("central service", "central.log", args(port));
    let started: Started;
    if (given !== undefined) started = await ready(starter(String(portNumber(given, "--central-port"))));
    else {
      started = await ready(starter("7080")).catch((error: unknown) => {
        if (error instanceof ChildEnded) return ready(starter("0"));
        throw error;
      });
    }
    const url = String(started.event.url);
    this.#keepRunning(started.child, "central service", starter(new URL(url).port), false);
    return url;
  }

  async #startAgent(configFile: string, config: AgentConfig, electron: string | null): Promise<string> {
    const write = (kioskPort: number): void =>
      writeDurably(configFile, `${JSON.stringify({ ...config, kioskPort }, null, 2)}\n`);
    const agentArgs = ["agent", "--no-supervisor", "--json", "--config", configFile];
    const args = electron
      ? [
          path.join(builtFolder("shell"), "main.js"),
          `--agent-entry=${ownProgram()}`,
          `--agent-config=${configFile}`,
          `--kiosk-dir=${builtFolder("kiosk")}`,
        ]
      : [...agentNodeFlags, ownProgram(), ...agentArgs];
    const start = this.#starter("agent", "agent.log", args, electron ?? process.execPath);
    let started: Started;
    write(config.kioskPort);
    try {
      started = await ready(start);
    } catch (error) {
      // The preferred port may be taken; any other fault says its sentence again.
      if (this.#options.kioskPort !== undefined || !(error instanceof ChildEnded)) throw error;
      write(0);
      started = await ready(start);
    }
    const url = String(started.event.kiosk);
    // A restarted agent keeps its address, so that the page finds it again.
    write(Number(new URL(url).port));
    // In the window's program the agent is a process of that program, which watches over it.
    this.#keepRunning(started.child, "agent", start, electron === null);
    return url;
  }

  /** How a child is started, the first time and every other. */
  #starter(name: string, logName: string, args: readonly string[], command = process.execPath): () => Child {
    return () => {
      const child = startChild(command, args, name, path.join(this.#logDir, logName));
      this.#listen(child);
      return child;
    };
  }

  #keepRunning(first: Child, name: string, start: () => Child, watched: boolean): void {
    const say = (sentence: string): void => void process.stderr.write(`${sentence} Logs: ${this.#logDir}\n`);
    this.#running.push(new Supervisor(first, { name, start, watched, say }));
  }

  #listen(child: Child): void {
    child.onEvent((event) => {
      if (event.event === "scan") this.#showScan(event as unknown as ScanOutcome);
      if (event.event === "otp") this.#showCode(String(event.phone), String(event.code));
    });
  }

  #showScan(outcome: ScanOutcome): void {
    if (this.#options.json) return printJson(outcome);
    const time = new Date().toLocaleTimeString("vi-VN");
    process.stdout.write(`${time}  ${outcome.sentence.vi} / ${outcome.sentence.en}  [${outcome.kind}]\n`);
  }

  #showCode(phone: string, code: string): void {
    if (this.#codeListeners.size > 0) {
      for (const listener of this.#codeListeners) listener(phone, code);
    } else if (this.#options.json) printJson({ event: "otp", phone, code });
    else process.stdout.write(`One-time code for ${phone}: ${code}\n`);
  }

  #codeFor(phone: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#codeListeners.delete(listener);
        reject(new CommandFailure("The embedded centre sent no one-time code; start again in a minute."));
      }, 15_000);
      const listener = (to: string, code: string): void => {
        if (to !== phone) return;
        clearTimeout(timer);
        this.#codeListeners.delete(listener);
        resolve(code);
      };
      this.#codeListeners.add(listener);
    });
  }

  async #ensureEnrolled(centralUrl: string, demo: Demo): Promise<void> {
    const agent = await connectToAgent(this.#dataDir);
    try {
      await enrolStation(agent, centralUrl, demo, (phone) => this.#codeFor(phone));
    } finally {
      agent.close();
    }
  }

  /** The demonstration's receptionist signs in as a person would; a kept credential is used as it is. */
  async #ensureSignedIn(phone: string): Promise<void> {
    const agent = await connectToAgent(this.#dataDir);
    try {
      const present = await agent.view((view) => view.duty, 10_000, "first view");
      if (present.state === "signed-in" && !present.expired) return;
      const code = this.#codeFor(phone);
      let duty: DutyView = await requestCode(agent, phone);
      if (duty.state === "code-sent") duty = await verifyCode(agent, await code);
      else code.catch(() => {});
      if (duty.state !== "signed-in") {
        process.stderr.write("The demonstration staff member is not signed in; sign in on the kiosk screen.\n");
      }
    } finally {
      agent.close();
    }
  }

  #agentConfig(centralUrl: string): AgentConfig {
    const file = path.join(this.#dataDir, "agent.json");
    // What a person wrote into it stays: readers, gate, indication, capture. A demonstration's script is not played again unasked.
    const kept = existsSync(file) ? loadAgentConfig(file) : null;
    const keptReaders = kept?.readers.filter((spec) => !spec.startsWith("simulated:")) ?? [];
    const named = this.#options.reader.length > 0 ? this.#options.reader : keptReaders;
    const volatile = volatileFileSystem(this.#dataDir);
    if (volatile !== null) {
      process.stderr.write(
        `Warning: ${this.#dataDir} is on ${volatile}, which forgets everything at power-off; fine for trying out, not for a gate.\n`,
      );
    }
    const parsed = agentConfig.safeParse({
      dataDir: this.#dataDir,
      central: centralUrl,
      readers: named.length > 0 ? named : ["auto"],
      kioskPort: this.#options.kioskPort === undefined ? 7081 : portNumber(this.#options.kioskPort, "--kiosk-port"),
      ...(kept ? { gate: kept.gate, indication: kept.indication, capture: kept.capture } : {}),
      demo: true,
    });
    if (parsed.success) return parsed.data;
    throw new CommandFailure(`--central ${this.#options.central ?? ""} ${parsed.error.issues[0]?.message}.`);
  }

  #welcome(kioskUrl: string, centralUrl: string, demo: Demo | null, window: boolean, windowless: string | null): void {
    const lines = [
      "",
      "  Trạm QR đang chạy / is running",
      "",
      `  Màn hình quầy / Kiosk    ${window ? "opened in a window" : kioskUrl}`,
      ...(demo
        ? [
            `  Danh sách / Live list    ${centralUrl}/live   (phone ${demo.ownerPhone}; its code appears here)`,
            `  Đang trực / On duty      Lễ tân (mẫu), ${demo.staffPhone}`,
          ]
        : [`  Máy chủ / Centre         ${centralUrl}   (sign in on the kiosk)`]),
      `  Dữ liệu / Data           ${this.#dataDir}`,
      ...(window || windowless === "--no-window"
        ? []
        : [`  (no window: ${windowless ?? "no Chromium, Chrome or Edge found"}; open the kiosk address in a browser)`]),
      "",
      "  Thử / Try it, in a second terminal:",
      `    npx tram scan "079098000001|024123456|NGUYỄN VĂN A|01011998|Nam|Số 1 Đường ABC, Phường 1, Quận 1, TP. Hồ Chí Minh|01012022"${this.#options.data === defaultDataFolder() ? "" : ` --data "${this.#dataDir}"`}`,
      "  or plug in a reader: it is found by itself (npx tram readers says what to do when it is not)",
      "",
      "  Ctrl+C stops everything; nothing is lost.",
      "",
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

interface Started {
  readonly child: Child;
  readonly event: Event;
}

/** @throws ChildEnded */
async function ready(start: () => Child): Promise<Started> {
  const child = start();
  try {
    return { child, event: await child.next("ready", readyWithinMs) };
  } catch (error) {
    await child.stop();
    throw error;
  }
}
