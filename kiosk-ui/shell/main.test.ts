import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createFakeElectron, type FakeElectron } from "../../testing/fake-electron.ts";

// The real main.ts on a fake Electron that throws on anything it lacks. See `createFakeElectron` for what that cannot
// prove: it shows what the shell asks of Electron, not that Electron does it.

let folder: string;
let fake: FakeElectron;
let lines: string[];
const argv = process.argv;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  vi.spyOn(process.stderr, "write").mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  folder = mkdtempSync(join(tmpdir(), "tram-shell-"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html>");
  writeFileSync(join(folder, "assets", "index.js"), "export {}");
  writeFileSync(join(folder, "assets", "notes.txt"), "not a part of the page");
  symlinkSync("/etc/passwd", join(folder, "assets", "link.js"));
});

afterEach(() => {
  process.argv = argv;
  rmSync(folder, { recursive: true });
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function load(isFirstInstance = true, options = launch()): Promise<void> {
  fake = createFakeElectron(isFirstInstance);
  vi.resetModules();
  vi.doMock("electron", () => fake.electron);
  process.argv = ["electron", "main.js", "--no-first-run", ...options];
  await import("./main.ts");
}

async function start(): Promise<void> {
  await load();
  fake.makeReady();
  await vi.advanceTimersByTimeAsync(0);
}

const launch = () => [
  "--agent-entry=/opt/tram/tram.js",
  "--agent-config=/etc/tram/agent.json",
  `--kiosk-dir=${folder}`,
];

const theWindow = () => {
  const [window, another] = fake.windows;
  if (!window || another) throw new Error(`${fake.windows.length} windows`);
  return window;
};

/** An event like Electron's, which remembers whether it was refused. */
const event = () => {
  const it = { refused: false, preventDefault: () => (it.refused = true) };
  return it;
};

const pageAsks = (frame: { parent: unknown; url: string } | null = { parent: null, url: "app://tram/index.html" }) => {
  fake.ipcMain.emit("tram-port-wanted", { sender: theWindow().webContents, senderFrame: frame });
};

describe("before Electron is ready", () => {
  test("the sandbox is on for everything and the page's scheme is registered", async () => {
    await load();
    expect(fake.asked).toEqual(["enableSandbox"]);
    expect(fake.schemes).toEqual([
      { scheme: "app", privileges: { standard: true, secure: true, supportFetchAPI: true } },
    ]);
    expect(fake.windows).toEqual([]);
  });

  test("a second instance ends at once and starts neither a window nor an agent", async () => {
    await load(false);
    fake.makeReady();
    await vi.advanceTimersByTimeAsync(0);
    expect(fake.asked).toContain("exit 0");
    expect([fake.windows.length, fake.children.length]).toEqual([0, 0]);
  });

  test.each([
    ["nothing", []],
    ["a relative path", ["--agent-entry=tram.js", "--agent-config=/a", "--kiosk-dir=/b"]],
  ])("%s on the command line ends the shell with a sentence instead of an empty window", async (_name, options) => {
    await load(true, options);
    fake.makeReady();
    await vi.advanceTimersByTimeAsync(0);
    expect(fake.asked).toContain("exit 1");
    expect(fake.windows).toEqual([]);
    expect(lines.join("")).toContain("--agent-entry=PATH");
  });
});

describe("the window", () => {
  beforeEach(start);

  test("is one locked kiosk window on our own page", () => {
    const { options, loaded } = theWindow();
    expect(options).toMatchObject({ kiosk: true, fullscreen: true });
    const { preload, ...preferences } = options.webPreferences ?? {};
    expect(preferences).toEqual({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      devTools: false,
      spellcheck: false,
      disableDialogs: true,
      autoplayPolicy: "no-user-gesture-required",
    });
    expect(preload?.endsWith(join("preload", "preload.js"))).toBe(true);
    expect(loaded).toEqual(["app://tram/index.html"]);
    expect(fake.asked).toEqual(expect.arrayContaining(["menu null", "blocker prevent-display-sleep"]));
  });

  test.each(["will-navigate", "will-frame-navigate", "will-redirect", "will-attach-webview"])("refuses %s", (name) => {
    const refusable = event();
    theWindow().contents.emit(name, refusable);
    expect(refusable.refused).toBe(true);
  });

  test("opens no other window and downloads nothing", () => {
    expect(theWindow().openHandler?.({ url: "app://tram/" } as never)).toEqual({ action: "deny" });
    const download = event();
    fake.defaultSession.emit("will-download", download);
    expect(download.refused).toBe(true);
  });

  test.each([
    [{ key: "p", control: true }, true],
    [{ key: "i", control: true, shift: true }, true],
    [{ key: "F4", alt: true }, true],
    [{ key: "F12" }, true],
    [{ key: "r", meta: true }, true],
    [{ key: "5" }, false],
    [{ key: "Enter" }, false],
    [{ key: "F" }, false],
    [{ key: "Alt", code: "AltLeft", alt: true }, false],
    [{ key: "Control", code: "ControlLeft", meta: true }, false],
    [{ key: "5", code: "Numpad5", alt: true }, false],
    [{ key: "5", code: "Digit5", alt: true }, true],
    [{ key: "U", code: "KeyU", control: true, shift: true }, false],
    [{ key: "R", code: "KeyR", control: true, shift: true }, true],
  ])("keeps the key press %j from the page: %s", (input, refused) => {
    const press = event();
    const none = { code: "", shift: false, control: false, alt: false, meta: false };
    theWindow().contents.emit("before-input-event", press, { ...none, ...input });
    expect(press.refused).toBe(refused);
  });

  test("loads the page again when its process is gone", async () => {
    theWindow().contents.emit("render-process-gone", {}, { reason: "crashed", exitCode: 5 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(theWindow().loaded).toHaveLength(2);
  });

  test("ends a page that hangs, and comes forward when it is started twice", () => {
    theWindow().contents.emit("unresponsive");
    expect(fake.asked).toContain("forcefullyCrashRenderer");
    fake.app.emit("second-instance");
    expect(theWindow().focused).toBe(1);
  });
});

describe("the page's files", () => {
  beforeEach(start);
  const get = async (path: string, method = "GET") =>
    await fake.protocolHandlers.get("app")?.(new Request(`app://${path}`, { method }));

  test("come with a policy that leaves the window nothing but themselves", async () => {
    const response = await get("tram/index.html");
    expect(response?.status).toBe(200);
    expect(response?.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response?.headers.get("content-security-policy")).toContain("connect-src 'self'");
    expect(response?.headers.get("content-security-policy")).toContain(
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self';",
    );
    expect((await get("tram/assets/index.js"))?.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  });

  test.each([
    "tram/assets/notes.txt",
    "tram/assets/link.js",
    "tram/assets/",
    "tram/../../etc/passwd",
    "tram/%2e%2e/%2e%2e/etc/passwd",
    "tram//etc/passwd",
    "other/index.html",
    "user@tram/index.html",
  ])("app://%s is not one of them", async (path) => {
    const response = await get(path).catch(() => new Response(null, { status: 404 }));
    expect(response?.status).toBe(404);
  });

  test("can only be read", async () => {
    expect((await get("tram/index.html", "POST"))?.status).toBe(404);
  });

  test.each([
    ["app://tram/assets/index.js", false],
    ["blob:app://tram/2b1c", false],
    ["https://example.vn/", true],
    ["file:///etc/passwd", true],
    ["http://127.0.0.1:8080/", true],
    ["data:text/html,x", true],
  ])("a request for %s is cancelled: %s", (url, cancel) => {
    let answer: unknown;
    fake.handlers.network?.({ url }, (response) => {
      answer = response;
    });
    expect(answer).toEqual({ cancel });
  });
});

describe("permissions", () => {
  beforeEach(start);
  const page = "app://tram/index.html";

  const request = (permission: string, details: object) => {
    let granted: boolean | undefined;
    fake.handlers.request?.(null as never, permission as never, (answer) => (granted = answer), details as never);
    return granted;
  };

  test.each([
    ["the camera alone", "media", { requestingUrl: page, isMainFrame: true, mediaTypes: ["video"] }, true],
    ["a microphone", "media", { requestingUrl: page, isMainFrame: true, mediaTypes: ["audio"] }, false],
    ["both", "media", { requestingUrl: page, isMainFrame: true, mediaTypes: ["video", "audio"] }, false],
    ["an unnamed medium", "media", { requestingUrl: page, isMainFrame: true }, false],
    ["a frame inside", "media", { requestingUrl: page, isMainFrame: false, mediaTypes: ["video"] }, false],
    ["another origin", "media", { requestingUrl: "https://a.vn", isMainFrame: true, mediaTypes: ["video"] }, false],
    ["a look-alike", "media", { requestingUrl: "app://tram.a/", isMainFrame: true, mediaTypes: ["video"] }, false],
    ["serial ports", "serial", { requestingUrl: page, isMainFrame: true }, false],
    ["notifications", "notifications", { requestingUrl: page, isMainFrame: true }, false],
    ["other programs", "openExternal", { requestingUrl: page, isMainFrame: true, externalURL: "tel:1" }, false],
  ])("asked for %s (%s)", (_name, permission, details, granted) => {
    expect(request(permission, details)).toBe(granted);
  });

  test("the check handler answers by the same rule, and no device is ever allowed", () => {
    const check = (permission: string, origin: string, details: object) =>
      fake.handlers.check?.(null, permission as never, origin, details as never);
    expect(check("media", "app://tram/", { isMainFrame: true, mediaType: "video" })).toBe(true);
    expect(check("media", "app://tram/", { isMainFrame: true, mediaType: "audio" })).toBe(false);
    expect(check("media", "app://tram/", { isMainFrame: true })).toBe(false);
    expect(check("media", "https://a.vn/", { isMainFrame: true, mediaType: "video" })).toBe(false);
    expect(check("usb", "app://tram/", { isMainFrame: true })).toBe(false);
    expect(fake.handlers.device?.({} as never)).toBe(false);
  });
});

describe("the agent", () => {
  beforeEach(start);
  const agent = (index = 0) => {
    const child = fake.children[index];
    if (!child) throw new Error(`no agent ${index}`);
    return child;
  };

  test("is the built program as a utility process", () => {
    expect(agent().modulePath).toBe("/opt/tram/tram.js");
    expect(agent().args).toEqual(["agent", "--no-supervisor", "--json", "--config", "/etc/tram/agent.json"]);
  });

  test("and the page get the two ends of one channel, once both are there", () => {
    pageAsks();
    expect(theWindow().posted).toEqual([]);
    expect(fake.channels[0]?.port1.closed).toBe(true);
    agent().process.emit("spawn");
    const channel = fake.channels[1];
    expect(agent().posted).toEqual([{ message: { type: "kiosk-port" }, ports: [channel?.port1] }]);
    expect(theWindow().posted).toEqual([{ channel: "tram-port", message: null, ports: [channel?.port2] }]);
  });

  test.each([
    ["a frame inside the page", { parent: {}, url: "app://tram/index.html" }],
    ["another page", { parent: null, url: "https://example.vn/" }],
    ["a frame that is gone", null],
  ])("is not handed to %s", (_name, frame) => {
    agent().process.emit("spawn");
    pageAsks(frame);
    expect(theWindow().posted).toEqual([]);
  });

  test("is started again with a growing delay, the page is told, and gets the new agent's port", async () => {
    agent().process.emit("spawn");
    pageAsks();
    agent().process.emit("exit", 1);
    expect(theWindow().sent).toEqual(["tram-gone"]);
    await vi.advanceTimersByTimeAsync(499);
    expect(fake.children).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(fake.children).toHaveLength(2);
    agent(1).process.emit("spawn");
    expect(theWindow().posted).toHaveLength(2);
    expect(agent(1).posted).toHaveLength(1);
    agent(1).process.emit("exit", 1);
    await vi.advanceTimersByTimeAsync(999);
    expect(fake.children).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(fake.children).toHaveLength(3);
  });

  test("that reports no progress for 20 s is killed for good; one that does, or is only starting, is not", async () => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    agent().process.emit("spawn");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kill).not.toHaveBeenCalled();
    for (let report = 0; report < 30; report++) {
      agent().process.emit("message", { type: "progress", phase: "working" });
      await vi.advanceTimersByTimeAsync(2_000);
    }
    expect(kill).not.toHaveBeenCalled();
    agent().process.emit("message", null);
    agent().process.emit("message", { type: "progress", phase: "starting" });
    await vi.advanceTimersByTimeAsync(18_000);
    expect(kill.mock.calls).toEqual([[4_000_000, "SIGKILL"]]);
    agent().process.emit("exit", 137);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kill).toHaveBeenCalledTimes(1);
    kill.mockRestore();
  });

  test("ends with the shell and is not started again", async () => {
    agent().process.emit("spawn");
    fake.app.emit("before-quit");
    expect(agent().killed).toBe(true);
    agent().process.emit("exit", 0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.children).toHaveLength(1);
  });
});

test("the fake throws on what it lacks, so that a misspelt call cannot pass", () => {
  const { app } = createFakeElectron().electron;
  expect(() => (app as unknown as { quite: unknown }).quite).toThrow("The fake has no app.quite");
});
