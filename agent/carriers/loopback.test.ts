import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { temporaryFolder } from "../../testing/folder.ts";
import { until } from "../../testing/until.ts";
import type { KioskIntent } from "../kiosk-port/intent.ts";
import type { KioskPort } from "../kiosk-port/port.ts";
import { commandProtocol, type LoopbackCarrier, newScreenToken, openLoopback } from "./loopback.ts";

let folder: ReturnType<typeof temporaryFolder>;
let carrier: LoopbackCarrier;
let ports: { port: KioskPort; draws: boolean }[];
let intents: KioskIntent[];
let events: string[];

beforeEach(async () => {
  folder = temporaryFolder();
  const pageDir = path.join(folder.path, "page");
  mkdirSync(path.join(pageDir, "assets"), { recursive: true });
  writeFileSync(path.join(pageDir, "index.html"), "<!doctype html><title>Trạm QR</title>");
  writeFileSync(path.join(pageDir, "assets", "main.js"), "export {};");
  writeFileSync(path.join(folder.path, "station.key"), "secret");
  ports = [];
  intents = [];
  events = [];
  carrier = await openLoopback({
    port: 0,
    token: newScreenToken(),
    pageDir,
    onPort: (port, draws) => {
      ports.push({ port, draws });
      port.onIntent((intent) => intents.push(intent));
    },
    log: (event) => events.push(event),
  });
});

afterEach(async () => {
  await carrier.close();
  folder[Symbol.dispose]();
});

function get(
  target: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; csp: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port: carrier.port, path: target, headers }, (response) => {
      let body = "";
      response.on("data", (bytes: Buffer) => {
        body += bytes.toString();
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, body, csp: String(response.headers["content-security-policy"]) });
      });
    });
    call.on("error", reject);
    call.end();
  });
}

/** Opens the socket as somebody would; resolves to "open" or the refusal's status. */
function knock(
  protocols: string[],
  options: WebSocket.ClientOptions = {},
  where = "/kiosk",
): Promise<WebSocket | number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${carrier.port}${where}`, protocols, options);
    socket.on("open", () => resolve(socket));
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.on("error", () => {});
  });
}

const token = () => `token.${carrier.token}`;

test("serves the page's own files with a strict policy and nothing else of the disk", async () => {
  const page = await get("/");
  expect(page).toMatchObject({ status: 200 });
  expect(page.body).toContain("Trạm QR");
  expect(page.csp).toContain("default-src 'none'");
  expect(page.csp).toContain("frame-ancestors 'none'");
  expect((await get("/assets/main.js")).status).toBe(200);
  for (const stranger of [
    "/../station.key",
    "/%2e%2e/station.key",
    "/..%2fstation.key",
    "/assets/../../station.key",
    "/none",
  ]) {
    expect((await get(stranger)).body, stranger).not.toContain("secret");
    expect((await get(stranger)).status, stranger).toBe(404);
  }
});

test("answers only to its own name: a page of another site cannot reach it through DNS", async () => {
  expect((await get("/", { Host: "attacker.example" })).status).toBe(404);
  expect((await get("/", { Host: `attacker.example:${carrier.port}` })).status).toBe(404);
  expect((await get("/", { Host: `localhost:${carrier.port}` })).status).toBe(200);
});

test("the socket needs the token, our Host and our Origin", async () => {
  expect(await knock(["tram.kiosk.1"])).toBe(403);
  expect(await knock(["tram.kiosk.1", "token.wrong"])).toBe(403);
  expect(await knock(["tram.kiosk.1", token()], { origin: "https://attacker.example" })).toBe(403);
  expect(await knock(["tram.kiosk.1", token()], { headers: { Host: "attacker.example" } })).toBe(403);
  expect(await knock(["tram.kiosk.1", token()], {}, "/other")).toBe(403);
  expect(ports).toHaveLength(0);
  expect(await knock(["tram.kiosk.1", token()], { origin: `http://127.0.0.1:${carrier.port}` })).toBeInstanceOf(
    WebSocket,
  );
  expect(await knock([commandProtocol, token()])).toBeInstanceOf(WebSocket);
  expect(ports.map(({ draws }) => draws)).toEqual([true, false]);
});

test("a caller that hangs up in the middle of knocking ends nothing", async () => {
  const knocks = `GET /kiosk HTTP/1.1\r\nHost: 127.0.0.1:${carrier.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  for (let caller = 0; caller < 20; caller++) {
    await new Promise<void>((resolve) => {
      const socket = connect(carrier.port, "127.0.0.1", () => {
        socket.write(knocks, () => {
          socket.resetAndDestroy();
          resolve();
        });
      });
    });
  }
  await until("every knock was refused", () => events.filter((event) => event === "loopback.refused").length === 20);
  expect((await get("/")).status).toBe(200);
});

test("an intent is obeyed only in its agreed form; rubbish is counted and the socket lives on", async () => {
  const socket = (await knock(["tram.kiosk.1", token()])) as WebSocket;
  for (const rubbish of [
    "",
    "null",
    "{",
    '{"kind":"format-disk"}',
    '{"kind":"sign-in","phone":5}',
    "[]".repeat(1000),
  ]) {
    socket.send(rubbish);
  }
  socket.send(JSON.stringify({ kind: "captured", bytesB64: "!", source: "typed" }));
  socket.send(JSON.stringify({ kind: "dismiss", scanId: "x", admin: true }));
  await until("the good intent", () => intents.length === 1);
  expect(intents).toEqual([{ kind: "dismiss", scanId: "x" }]);
  expect(events.filter((event) => event === "loopback.bad-intent")).toHaveLength(7);
  expect(socket.readyState).toBe(WebSocket.OPEN);
});

test("the address of the page holds the token only in its fragment, which no browser sends", () => {
  expect(carrier.pageUrl).toBe(`http://127.0.0.1:${carrier.port}/#${carrier.token}`);
  expect(carrier.token.length).toBeGreaterThanOrEqual(32);
});
