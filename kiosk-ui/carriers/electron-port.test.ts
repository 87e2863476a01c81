import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { KioskView } from "../../agent/kiosk-port/view.ts";
import { buildPart } from "../../testing/built-part.ts";
import { launchChromium } from "../../testing/chromium.ts";
import { buildKioskPage, calmView, type ScriptedKiosk, startScriptedKiosk } from "../../testing/kiosk-page.ts";

// The page and the built preload together in Chromium; only the module `electron` under the preload is made up. Ports,
// transfer and structured clone are Chromium's own. Electron's processes, context isolation and bridge are not shown.

let browser: Browser;
let kiosk: ScriptedKiosk;
let page: Page;
let preload: string;

interface FakeShell {
  ports: MessagePort[];
  beats: ReturnType<typeof setInterval>[];
  received: unknown[];
  asked: number;
  offer(): void;
  end(): void;
}

beforeAll(async () => {
  browser = await launchChromium();
  kiosk = await startScriptedKiosk(await buildKioskPage());
  preload = (await buildPart("preload")).get("preload.js") ?? "throw 0";
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await kiosk?.[Symbol.asyncDispose]();
});

/** Runs in the page: what lies under a preload, with a shell that offers a port at the first request only. */
function fakeShell(view: KioskView): void {
  const listeners = new Map<string, (event: object) => void>();
  const shell: FakeShell = {
    ports: [],
    beats: [],
    received: [],
    asked: 0,
    offer() {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = (event) => shell.received.push(event.data);
      port1.postMessage({ type: "view", view });
      shell.beats.push(setInterval(() => port1.postMessage({ type: "alive" }), 500));
      shell.ports.push(port1);
      listeners.get("tram-port")?.({ ports: [port2] });
    },
    end: () => listeners.get("tram-gone")?.({}),
  };
  const ipcRenderer = {
    on: (channel: string, listener: (event: object) => void) => listeners.set(channel, listener),
    send: (channel: string) => {
      if (channel === "tram-port-wanted" && shell.asked++ === 0) shell.offer();
    },
  };
  const contextBridge = { exposeInMainWorld: (name: string, api: object) => Object.assign(window, { [name]: api }) };
  Object.assign(window, { shell, requireInPreload: () => ({ ipcRenderer, contextBridge }) });
}

beforeEach(async () => {
  page = await browser.newPage();
  await page.addInitScript(fakeShell, calmView);
  await page.addInitScript(`{ const require = window.requireInPreload, module = { exports: {} }, exports = module.exports;
    (() => { ${preload} })(); }`);
  // No token: with a shell, the page needs none and must open no socket.
  await page.goto(kiosk.url.replace(/#.*/, ""));
  await state("ready");
});

afterEach(async () => {
  await page.close();
});

const state = (name: string) => page.locator(`.stage[data-state="${name}"]`).waitFor();
const inShell = <Result>(ask: (shell: FakeShell) => Result) =>
  page.evaluate<Result>(`(${ask.toString()})(window.shell)`);

test("the page takes the port it asked for, opens no socket, and its intents arrive as they are", async () => {
  expect(await inShell((shell) => shell.asked)).toBe(1);
  expect(kiosk.offeredProtocols).toEqual([]);
  await page.getByRole("button", { name: "Nhân viên", exact: true }).click();
  await page.getByRole("button", { name: "Đăng xuất" }).click();
  await expect.poll(() => inShell((shell) => shell.received)).toEqual([{ kind: "sign-out" }]);
});

test("when the agent is gone nothing old stays, the page asks again, and the port of the next agent is taken", async () => {
  await inShell((shell) => shell.end());
  await state("lost");
  await expect.poll(() => inShell((shell) => shell.asked), { timeout: 3_000 }).toBeGreaterThan(1);
  await inShell((shell) => shell.offer());
  await state("ready");
});

test("an agent that falls silent is shown as gone, and a port of one that speaks is taken", async () => {
  await inShell((shell) => shell.beats.forEach(clearInterval));
  await state("lost");
  await inShell((shell) => shell.offer());
  await state("ready");
});

test("a port offered by another window is not taken", async () => {
  await page.evaluate(() => {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const { port1, port2 } = new MessageChannel();
    window.dispatchEvent(
      new MessageEvent("message", {
        data: "tram-port",
        source: frame.contentWindow,
        origin: location.origin,
        ports: [port2],
      }),
    );
    port1.postMessage({ type: "view", view: { revision: 99, screen: { state: "starting" } } });
  });
  await page.waitForTimeout(100);
  expect(await page.locator(".stage").getAttribute("data-state")).toBe("ready");
});
