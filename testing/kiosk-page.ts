import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import type { Page } from "playwright-core";
import { build } from "vite";
import { type WebSocket, WebSocketServer } from "ws";
import type { KioskIntent } from "../agent/kiosk-port/intent.ts";
import type { PortMessage, ScanOutcome } from "../agent/kiosk-port/port.ts";
import type { KioskView } from "../agent/kiosk-port/view.ts";
import { uncalibrated } from "../drivers/keyboard/calibration.ts";
import { parts } from "../vite.config.ts";

/** The policy the agent's page server must send; the page is tested under it. */
export const kioskContentPolicy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
  "img-src 'self' blob:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const mediaTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** The real page, built and served, with a scripted agent at the other end of its socket. */
export interface ScriptedKiosk extends AsyncDisposable {
  /** With the token behind `#`, as `tram start` prints it. */
  readonly url: string;
  /** Every intent the page has sent, oldest first. */
  readonly intents: KioskIntent[];
  /** Subprotocol lists of all connections made so far. */
  readonly offeredProtocols: string[];
  /** Paths requested over HTTP, to show that the token never travels in one. */
  readonly requestedPaths: string[];
  /** Changes the current view and sends it with the next revision; a page that connects later gets it first. */
  show(change: Partial<KioskView>): void;
  /** Sends any message as it is. */
  sendRaw(text: string): void;
  /** Cuts all connections and refuses new ones, as a crashed agent does. */
  goDown(): void;
  /** Keeps the connections but says nothing more and refuses new ones, as a stopped process does. */
  freeze(): void;
  /** Accepts connections again, with revisions counted from the beginning, as a restarted agent does. */
  comeUp(): void;
  /** Leaves scans unanswered, as an agent whose thread hangs does; else each is answered. */
  answers: boolean;
  /** Intents that no `nextIntent` has taken, and takes them. */
  untaken(): KioskIntent[];
  /** Resolves with the first not yet taken intent. */
  nextIntent(): Promise<KioskIntent>;
}

/** A view in which everything is well: two readers, somebody on duty, nothing waiting. */
export const calmView: KioskView = {
  revision: 0,
  placeName: "Bệnh viện Đa khoa Thử Nghiệm – Cổng số 2",
  screen: { state: "ready" },
  readers: [
    {
      id: "reader-1",
      name: "Cổng vào 1",
      transport: "serial",
      direction: "in",
      state: "ready",
      message: null,
      advice: null,
    },
    {
      id: "reader-2",
      name: "Cổng ra 1",
      transport: "hid",
      direction: "out",
      state: "ready",
      message: null,
      advice: null,
    },
  ],
  unusable: [],
  relays: [],
  readerTest: null,
  tested: [],
  capture: { camera: "off", keyboard: true },
  keyboardCalibration: uncalibrated,
  enrolment: {
    state: "enrolled",
    fingerprint: "3F2A-91CC",
    centre: "qr.example.vn",
    message: null,
    mayScanInvitation: false,
    records: true,
    ended: null,
    name: "Cổng chính",
    placeName: "Bệnh viện Mẫu",
  },
  duty: { state: "signed-in", name: "N••••• T•• H•••", phoneMasked: "091••••678", expired: false, pinChoice: null },
  staff: {
    onDuty: {
      id: "staff-1",
      name: "N••••• T•• H•••",
      phoneMasked: "091••••678",
      role: "supervisor",
      sinceMs: Date.parse("2026-11-21T06:00:00+07:00"),
      expired: false,
    },
    known: [{ id: "staff-1", name: "N••••• T•• H•••", phoneMasked: "091••••678", role: "supervisor", pin: "set" }],
    notice: null,
    may: { testReaders: true, sendRefusedAgain: true, forgetOthers: true, enrolAgain: true },
    keyBackend: "file",
  },
  notice: null,
  queue: { online: true, unsent: 0, oldestAgeS: null, quarantined: 0, message: null },
  inside: 42,
  recent: [],
};

/** Builds the page into a folder of its own and returns it; the caller removes it. */
export async function buildKioskPage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tram-kiosk-page-"));
  const part = parts.kiosk;
  await build({ ...part, configFile: false, logLevel: "error", build: { ...part?.build, outDir: folder } });
  return folder;
}

/** Serves a built page on a free loopback port with a scripted agent. Dispose it to stop both and remove the folder. */
export async function startScriptedKiosk(folder: string): Promise<ScriptedKiosk> {
  const token = "c2NyaXB0ZWQta2lvc2stdG9rZW4";
  const intents: KioskIntent[] = [];
  const offeredProtocols: string[] = [];
  const requestedPaths: string[] = [];
  const waiting: ((intent: KioskIntent) => void)[] = [];
  const sockets = new Set<WebSocket>();
  let taken = 0;
  let current: KioskView = calmView;
  let up = true;

  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://kiosk").pathname);
    requestedPaths.push(request.url ?? "");
    const file = path === "/" ? "index.html" : path.slice(1);
    void readFile(join(folder, file)).then(
      (bytes) => {
        const type = mediaTypes[extname(file)] ?? "application/octet-stream";
        response.writeHead(200, { "content-type": type, "content-security-policy": kioskContentPolicy }).end(bytes);
      },
      () => response.writeHead(404).end(),
    );
  });
  const socketServer = new WebSocketServer({ noServer: true, handleProtocols: () => "tram.kiosk.1" });

  const post = (socket: WebSocket, message: PortMessage) => socket.send(JSON.stringify(message));

  server.on("upgrade", (request, socket, head) => {
    offeredProtocols.push(request.headers["sec-websocket-protocol"] ?? "");
    if (!up || request.url !== "/kiosk") {
      socket.destroy();
      return;
    }
    socketServer.handleUpgrade(request, socket, head, (peer) => {
      sockets.add(peer);
      peer.on("close", () => sockets.delete(peer));
      peer.on("message", (data: Buffer) => {
        const intent = JSON.parse(data.toString("utf8")) as KioskIntent;
        intents.push(intent);
        if (intent.kind === "captured" && kiosk.answers) post(peer, { type: "outcome", outcome: outcomeOf(intent) });
        const resolve = waiting.shift();
        if (resolve) resolve(intents[taken++] as KioskIntent);
      });
      post(peer, { type: "view", view: current });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const beat = setInterval(() => {
    if (up) for (const socket of sockets) post(socket, { type: "alive" });
  }, 500);

  const kiosk: ScriptedKiosk = {
    answers: true,
    url: `http://127.0.0.1:${port}/#${token}`,
    intents,
    offeredProtocols,
    requestedPaths,
    show(change) {
      current = { ...current, ...change, revision: current.revision + 1 };
      for (const socket of sockets) post(socket, { type: "view", view: current });
    },
    sendRaw(text) {
      for (const socket of sockets) socket.send(text);
    },
    goDown() {
      up = false;
      for (const socket of sockets) socket.terminate();
    },
    freeze() {
      up = false;
    },
    comeUp() {
      up = true;
      current = { ...current, revision: 0 };
    },
    untaken() {
      const rest = intents.slice(taken);
      taken = intents.length;
      return rest;
    },
    nextIntent() {
      const next = intents[taken];
      if (next) {
        taken += 1;
        return Promise.resolve(next);
      }
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      await rm(folder, { recursive: true, force: true });
    },
  };
  return kiosk;
}

/** Any answer: the page draws views, it only wants to know that there was one. */
function outcomeOf(intent: Extract<KioskIntent, { kind: "captured" }>): ScanOutcome {
  return {
    event: "scan",
    verdict: "refuse",
    kind: "unknown",
    readerId: `page:${intent.source}`,
    direction: null,
    entryId: null,
    seq: null,
    reason: "unreadable",
    sentence: { vi: "Không đọc được", en: "Not readable" },
    correlationId: intent.correlationId ?? null,
  };
}

/** Moves the page's clock on, which must be installed, beside an agent that is heard all the while. */
export async function passTime(page: Page, kiosk: ScriptedKiosk, ms: number): Promise<void> {
  for (let left = ms, people = 1_000; left > 0; left -= 2_000, people++) {
    await page.clock.runFor(Math.min(left, 2_000));
    kiosk.show({ inside: people });
    await page.locator(".inside", { hasText: String(people) }).waitFor();
  }
}
