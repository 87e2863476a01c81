import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import WebSocket from "ws";
import { z } from "zod";
import { commandProtocol } from "../agent/carriers/loopback.ts";
import type { KioskIntent } from "../agent/kiosk-port/intent.ts";
import type { PortMessage } from "../agent/kiosk-port/port.ts";
import type { KioskView } from "../agent/kiosk-port/view.ts";
import { runtimeFile } from "../agent/main.ts";
import { AgentError } from "../provisioning/agent-error.ts";
import { CommandFailure } from "./failure.ts";

const runtime = z.object({ pid: z.int(), port: z.int(), token: z.string() });

/** An agent that stands still takes the connection and says nothing. */
const answerWithinMs = 5_000;

/** A command's connection to the agent that runs over a data folder. */
export interface AgentClient {
  send(intent: KioskIntent): void;
  /** Resolves with what `pick` makes of the first message from now on that it does not answer with undefined. */
  next<T>(pick: (message: PortMessage) => T | undefined, timeoutMs: number, whatFor: string): Promise<T>;
  /** The same for views, beginning with the newest one that has already come. */
  view<T>(pick: (view: KioskView) => T | undefined, timeoutMs: number, whatFor: string): Promise<T>;
  close(): void;
}

/** @throws AgentError `agent.not-running` */
export async function connectToAgent(dataDir: string): Promise<AgentClient> {
  const file = path.join(dataDir, runtimeFile);
  const notRunning = (why: string): AgentError =>
    new AgentError(
      "agent.not-running",
      `No agent runs over ${dataDir} (${why}); start one with "npm start" or name its folder with --data.`,
    );
  if (!existsSync(file)) throw notRunning("no run file there");
  const { port, token } = runtime.parse(JSON.parse(readFileSync(file, "utf8")));
  const socket = new WebSocket(`ws://127.0.0.1:${port}/kiosk`, [commandProtocol, `token.${token}`], {
    handshakeTimeout: answerWithinMs,
  });
  const listeners = new Set<(message: PortMessage) => void>();
  let newest: KioskView | null = null;
  const failures = new Set<(error: Error) => void>();
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString("utf8")) as PortMessage;
    if (message.type === "view") newest = message.view;
    for (const listener of listeners) listener(message);
  });
  socket.on("close", () => {
    for (const failure of failures) failure(new CommandFailure("The agent ended; look at its log and try again."));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", (error) => reject(notRunning((error as NodeJS.ErrnoException).code ?? error.message)));
  });
  socket.on("error", () => socket.terminate());
  const next: AgentClient["next"] = (pick, timeoutMs, whatFor) =>
    new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        listeners.delete(listener);
        failures.delete(fail);
      };
      const fail = (error: Error): void => {
        done();
        reject(error);
      };
      const timer = setTimeout(
        () => fail(new CommandFailure(`The agent did not answer in ${timeoutMs / 1000} s (${whatFor}); try again.`)),
        timeoutMs,
      );
      const listener = (message: PortMessage): void => {
        const picked = pick(message);
        if (picked === undefined) return;
        done();
        resolve(picked);
      };
      listeners.add(listener);
      failures.add(fail);
    });
  return {
    send: (intent) => socket.send(JSON.stringify(intent)),
    next,
    view: (pick, timeoutMs, whatFor) => {
      const known = newest === null ? undefined : pick(newest);
      if (known !== undefined) return Promise.resolve(known);
      return next((message) => (message.type === "view" ? pick(message.view) : undefined), timeoutMs, whatFor);
    },
    close: () => socket.close(),
  };
}
