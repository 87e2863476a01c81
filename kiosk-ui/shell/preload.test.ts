import { compileFunction } from "node:vm";
import { beforeAll, expect, test } from "vitest";
import { buildPart } from "../../testing/built-part.ts";
import { strict } from "../../testing/fake-electron.ts";

// The preload as it is built and shipped: a green source can still become a file that a sandboxed preload cannot load.
// What Electron's context bridge does with it is not shown here; only Electron's program can show that.

let files: Map<string, string>;

beforeAll(async () => {
  files = await buildPart("preload");
}, 60_000);

interface Loaded {
  required: string[];
  exposed: Record<string, Record<string, () => unknown>>;
  sent: unknown[][];
  posted: unknown[][];
  listeners: Map<string, (event: object) => void>;
}

function loadPreload(): Loaded {
  const loaded: Loaded = { required: [], exposed: {}, sent: [], posted: [], listeners: new Map() };
  const ipcRenderer = strict("ipcRenderer", {
    on: (channel: string, listener: (event: object) => void) => loaded.listeners.set(channel, listener),
    send: (...values: unknown[]) => void loaded.sent.push(values),
  });
  const contextBridge = strict("contextBridge", {
    exposeInMainWorld: (name: string, api: Record<string, () => unknown>) => {
      expect(Object.values(api)).not.toContain(ipcRenderer);
      loaded.exposed[name] = api;
    },
  });
  const require = (name: string) => {
    loaded.required.push(name);
    // All that Electron gives a sandboxed preload besides events, timers and url.
    if (name !== "electron") throw new Error(`A sandboxed preload cannot require "${name}".`);
    return strict("electron", { contextBridge, ipcRenderer });
  };
  const window = strict("window", { postMessage: (...values: unknown[]) => void loaded.posted.push(values) });
  const module = { exports: {} };
  compileFunction(files.get("preload.js") ?? "throw 0", ["require", "module", "exports", "window", "process"])(
    require,
    module,
    module.exports,
    window,
    undefined,
  );
  return loaded;
}

test("is one CommonJS file that requires electron and nothing else", () => {
  expect([...files.keys()]).toEqual(["preload.js"]);
  expect(files.get("preload.js")).not.toMatch(/^\s*(import|export)\b/m);
  expect(loadPreload().required).toEqual(["electron"]);
});

test("exposes exactly one function, which tells the shell nothing but that a port is wanted", () => {
  const { exposed, sent } = loadPreload();
  expect(Object.keys(exposed)).toEqual(["tram"]);
  expect(Object.keys(exposed.tram ?? {})).toEqual(["requestPort"]);
  const requestPort = exposed.tram?.requestPort as (...values: unknown[]) => unknown;
  expect(requestPort("ipc", { anything: 1 })).toBeUndefined();
  expect(sent).toEqual([["tram-port-wanted"]]);
});

test("passes on the port and the end of an agent, and listens to nothing else", () => {
  const { listeners, posted } = loadPreload();
  expect([...listeners.keys()].toSorted()).toEqual(["tram-gone", "tram-port"]);
  const port = { name: "a port" };
  const event = { sender: "the ipcRenderer itself", ports: [port] };
  listeners.get("tram-port")?.(event);
  listeners.get("tram-gone")?.(event);
  expect(posted).toEqual([
    ["tram-port", "*", [port]],
    ["tram-gone", "*"],
  ]);
});

test("the shell is built into one module that needs only electron and Node itself", async () => {
  const built = await buildPart("shell");
  expect([...built.keys()]).toEqual(["main.js"]);
  const imports = Array.from(
    (built.get("main.js") ?? "").matchAll(/^import\b[^"']*["']([^"']+)["']/gm),
    ([, from]) => from,
  );
  expect(imports.filter((from) => from !== "electron" && !from?.startsWith("node:"))).toEqual([]);
  expect(imports).toContain("electron");
});
