import { readFileSync } from "node:fs";
import path from "node:path";
import WebSocket from "ws";
import { commandProtocol } from "../../agent/carriers/loopback.ts";
import { runtimeFile } from "../../agent/main.ts";

const everyMs = 20;

/**
 * Feels a running agent's event loop from outside: a WebSocket ping is answered by that loop and by nothing else, so
 * the way there and back is how long it was busy. What this process itself was late is taken off.
 */
export class AgentPulse implements Disposable {
  readonly #socket: WebSocket;
  readonly #timer: NodeJS.Timeout;
  readonly #beats: number[] = [];
  #dueMs = performance.now() + everyMs;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => socket.terminate());
    socket.on("pong", (sent: Buffer) => this.#beats.push(performance.now() - Number(sent.toString("latin1"))));
    this.#timer = setInterval(() => {
      const now = performance.now();
      const lateMs = Math.max(0, now - this.#dueMs);
      this.#dueMs = now + everyMs;
      // After a pause of our own the answers wait in our own queue: that is not the agent's lag.
      if (lateMs < everyMs && socket.readyState === socket.OPEN) socket.ping(String(now));
    }, everyMs);
  }

  /** Begins to feel the agent over this data folder. */
  static async of(dataDir: string): Promise<AgentPulse> {
    const { port, token } = JSON.parse(readFileSync(path.join(dataDir, runtimeFile), "utf8")) as Record<string, string>;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/kiosk`, [commandProtocol, `token.${token}`]);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return new AgentPulse(socket);
  }

  get beats(): number {
    return this.#beats.length;
  }

  /** So many of 100 beats took less than this many ms; rounded. */
  percentileMs(percent: number): number {
    const sorted = this.#beats.toSorted((one, other) => one - other);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#socket.terminate();
  }
}
