import { randomBytes, timingSafeEqual } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { AgentError } from "../../provisioning/agent-error.ts";
import { type KioskIntent, kioskIntent } from "../kiosk-port/intent.ts";
import type { KioskPort, PortMessage } from "../kiosk-port/port.ts";

export interface LoopbackCarrier {
  readonly port: number;
  /** What a screen must show, base64url. */
  readonly token: string;
  /** Address of the page; the token stands in the fragment, which browsers never send. */
  readonly pageUrl: string;
  close(): Promise<void>;
}

export interface LoopbackOptions {
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Random and secret to this machine; see {@link newScreenToken}. */
  readonly token: string;
  /** Folder of the built page, or null: then only the socket is served. */
  readonly pageDir: string | null;
  /** `draws` is false for a command-line caller: nobody looks at it. */
  readonly onPort: (port: KioskPort, draws: boolean) => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

/** Subprotocol of a page that draws views. */
const kioskProtocol = "tram.kiosk.1";
/** Subprotocol of a command-line caller. */
export const commandProtocol = "tram.command.1";
const maxMessageBytes = 32 * 1024;
/** A screen this far behind is gone or frozen: its connection is dropped, it reconnects and gets the newest view. */
const maxBufferedBytes = 1024 * 1024;

const pageHeaders = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; " +
    "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), usb=(), serial=(), hid=()",
  "Cache-Control": "no-store",
};

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** A token for {@link LoopbackOptions}: 192 random bits. */
export function newScreenToken(): string {
  return randomBytes(24).toString("base64url");
}

/**
 * Serves the kiosk page and its socket to browsers of this machine. Only 127.0.0.1; the Host header must be ours (DNS
 * rebinding), a WebSocket must come from our own page (Origin) or from no page at all, and must show the token, as a
 * subprotocol so that it stands in no URL.
 *
 * @throws AgentError `port.in-use`
 */
export async function openLoopback(options: LoopbackOptions): Promise<LoopbackCarrier> {
  const { token } = options;
  const files = options.pageDir === null ? new Map<string, Buffer>() : readPage(options.pageDir);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    handleProtocols: (offered) => [kioskProtocol, commandProtocol].find((name) => offered.has(name)) ?? false,
  });
  const server = createServer((request, response) => servePage(files, request, response, isOurHost));
  const isOurHost = (request: IncomingMessage): boolean => {
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    return request.headers.host === `127.0.0.1:${port}` || request.headers.host === `localhost:${port}`;
  };
  server.on("upgrade", (request, socket, head) => {
    // Node takes its own listener off an upgraded socket: without one here a reset would end the process.
    socket.on("error", () => socket.destroy());
    const origin = request.headers.origin;
    const ownPage = origin === undefined || origin === `http://${request.headers.host}`;
    const offered = String(request.headers["sec-websocket-protocol"] ?? "")
      .split(",")
      .map((name) => name.trim());
    if (!isOurHost(request) || !ownPage || request.url !== "/kiosk" || !showsToken(offered, token)) {
      options.log("loopback.refused", { origin: origin ?? null });
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      options.onPort(asPort(webSocket, options.log), webSocket.protocol === kioskProtocol),
    );
  });
  const port = await listen(server, options.port);
  return {
    port,
    token,
    pageUrl: `http://127.0.0.1:${port}/#${token}`,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === "EADDRINUSE"
          ? new AgentError(
              "port.in-use",
              `Port ${port} on 127.0.0.1 is used by another program; choose another with --kiosk-port or "kioskPort", or 0 for a free one.`,
              { cause },
            )
          : cause,
      );
    });
    server.listen(port, "127.0.0.1", () => {
      server.on("error", () => {});
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** The whole page in memory, by path: an allow-list, so that no request ever names a file. */
function readPage(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = path.join(folder, name);
    if (statSync(file).isFile()) files.set(`/${name.split(path.sep).join("/")}`, readFileSync(file));
  }
  const index = files.get("/index.html");
  if (index) files.set("/", index);
  return files;
}

function servePage(
  files: ReadonlyMap<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse,
  isOurHost: (request: IncomingMessage) => boolean,
): void {
  const name = request.url?.split("?")[0] ?? "/";
  const file = isOurHost(request) && request.method === "GET" ? files.get(name) : undefined;
  if (file === undefined) {
    response.writeHead(404, { ...pageHeaders, "Content-Type": "text/plain; charset=utf-8" });
    response.end("Not found.\n");
    return;
  }
  const type = contentTypes[path.extname(name) || ".html"] ?? "application/octet-stream";
  response.writeHead(200, { ...pageHeaders, "Content-Type": type, "Content-Length": file.length });
  response.end(file);
}

function showsToken(offered: readonly string[], token: string): boolean {
  const shown = Buffer.from(offered.find((name) => name.startsWith("token."))?.slice("token.".length) ?? "");
  const expected = Buffer.from(token);
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}

function asPort(webSocket: WebSocket, log: LoopbackOptions["log"]): KioskPort {
  const port: KioskPort = {
    post(message: PortMessage) {
      if (webSocket.readyState !== webSocket.OPEN) return;
      if (webSocket.bufferedAmount > maxBufferedBytes) return webSocket.terminate();
      webSocket.send(JSON.stringify(message));
    },
    onIntent(listener: (intent: KioskIntent) => void) {
      webSocket.on("message", (data: Buffer, isBinary) => {
        const intent = isBinary ? null : parseIntent(data);
        if (intent === null) log("loopback.bad-intent", { bytes: data.length });
        else listener(intent);
      });
    },
    onClose(listener: () => void) {
      webSocket.on("close", listener);
    },
  };
  webSocket.on("error", (error) => log("loopback.socket", { error: error.message }));
  return port;
}

function parseIntent(data: Buffer): KioskIntent | null {
  try {
    return kioskIntent.parse(JSON.parse(data.toString("utf8")));
  } catch {
    return null;
  }
}
