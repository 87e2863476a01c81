import { EventEmitter } from "node:events";
import type * as Electron from "electron";

/**
 * The parts of Electron's main process that the shell uses, for tests in plain Node. Every part is checked against
 * Electron's own types, and touching anything that is not here throws: a bag of mocks would let misspelt calls pass.
 *
 * What this cannot prove, because no Electron runs: that Electron honours the settings it is given (context isolation,
 * sandbox, kiosk mode, content policy of a custom scheme, permission handlers, the single-instance lock, the power
 * blocker), that a utility process starts and can load our native modules, and that ports reach it. Those need
 * Electron's program; here only what the shell asks for, and when, is shown.
 */
export function createFakeElectron(isFirstInstance = true) {
  const asked: string[] = [];
  const windows: FakeWindow[] = [];
  const children: FakeChild[] = [];
  const channels: { port1: FakePort; port2: FakePort }[] = [];
  const schemes: Electron.CustomScheme[] = [];
  const protocolHandlers = new Map<string, (request: Request) => Response | Promise<Response>>();
  const handlers: SessionHandlers = {};
  let makeReady = () => {};
  const ready = new Promise<void>((resolve) => {
    makeReady = resolve;
  });

  const app = emitter({
    enableSandbox: () => void asked.push("enableSandbox"),
    requestSingleInstanceLock: () => isFirstInstance,
    whenReady: () => ready,
    exit: (code?: number) => void asked.push(`exit ${code}`),
  } satisfies Partial<Electron.App>);

  class BrowserWindow {
    readonly fake: FakeWindow;
    readonly webContents: Electron.WebContents;
    constructor(options: Electron.BrowserWindowConstructorOptions) {
      this.fake = {
        options,
        loaded: [],
        posted: [],
        sent: [],
        focused: 0,
        openHandler: null,
        contents: emitter({}),
        webContents: null,
      };
      const { fake } = this;
      const contents = emitter({
        send: (channel: string) => void fake.sent.push(channel),
        postMessage: (channel: string, message: unknown, ports?: unknown[]) =>
          void fake.posted.push({ channel, message, ports: ports ?? [] }),
        setWindowOpenHandler: (handler: FakeWindow["openHandler"]) => {
          fake.openHandler = handler;
        },
        isDestroyed: () => false,
        forcefullyCrashRenderer: () => void asked.push("forcefullyCrashRenderer"),
      } satisfies Partial<Electron.WebContents>);
      fake.contents = contents;
      this.webContents = strict("webContents", contents) as unknown as Electron.WebContents;
      fake.webContents = this.webContents;
      windows.push(fake);
      app.emit("web-contents-created", {}, this.webContents);
    }
    isDestroyed = () => false;
    focus = () => {
      this.fake.focused += 1;
    };
    loadURL = (url: string) => {
      this.fake.loaded.push(url);
      return Promise.resolve();
    };
  }

  class MessageChannelMain {
    readonly port1: FakePort = { closed: false, close: closePort };
    readonly port2: FakePort = { closed: false, close: closePort };
    constructor() {
      channels.push(this);
    }
  }

  const utilityProcess = {
    fork: (modulePath: string, args?: string[], options?: Electron.ForkOptions) => {
      const fake: FakeChild = {
        modulePath,
        args: args ?? [],
        options,
        posted: [],
        killed: false,
        process: emitter({}),
      };
      fake.process = emitter({
        pid: 4_000_000 + children.length,
        postMessage: (message: unknown, ports?: unknown[]) => void fake.posted.push({ message, ports: ports ?? [] }),
        kill: () => {
          fake.killed = true;
          return true;
        },
      } satisfies Partial<Electron.UtilityProcess>);
      children.push(fake);
      return strict("UtilityProcess", fake.process) as unknown as Electron.UtilityProcess;
    },
  } satisfies Partial<typeof Electron.utilityProcess>;

  const defaultSession = emitter({
    setPermissionRequestHandler: (handler) => {
      handlers.request = handler ?? undefined;
    },
    setPermissionCheckHandler: (handler) => {
      handlers.check = handler ?? undefined;
    },
    setDevicePermissionHandler: (handler) => {
      handlers.device = handler ?? undefined;
    },
    webRequest: strict("webRequest", {
      onBeforeRequest: (listener: SessionHandlers["network"]) => {
        handlers.network = listener;
      },
    }) as unknown as Electron.WebRequest,
  } satisfies Partial<Electron.Session>);

  const ipcMain = emitter({});
  const electron = {
    app: strict("app", app),
    BrowserWindow,
    ipcMain: strict("ipcMain", ipcMain),
    Menu: strict("Menu", { setApplicationMenu: (menu: unknown) => void asked.push(`menu ${String(menu)}`) }),
    MessageChannelMain,
    powerSaveBlocker: strict("powerSaveBlocker", {
      start: (type) => asked.push(`blocker ${type}`),
    } satisfies Partial<Electron.PowerSaveBlocker>),
    protocol: strict("protocol", {
      registerSchemesAsPrivileged: (list) => void schemes.push(...list),
      handle: (scheme, handler) => void protocolHandlers.set(scheme, handler),
    } satisfies Partial<Electron.Protocol>),
    session: strict("session", { defaultSession: strict("Session", defaultSession) }),
    utilityProcess: strict("utilityProcess", utilityProcess),
  };
  return {
    electron,
    app,
    ipcMain,
    asked,
    windows,
    children,
    channels,
    schemes,
    protocolHandlers,
    handlers,
    makeReady,
    defaultSession,
  };
}

export type FakeElectron = ReturnType<typeof createFakeElectron>;

interface FakePort {
  closed: boolean;
  close(): void;
}

function closePort(this: FakePort): void {
  this.closed = true;
}

interface FakeWindow {
  options: Electron.BrowserWindowConstructorOptions;
  /** For emitting events. */
  contents: EventEmitter;
  /** The object the shell holds, by identity. */
  webContents: Electron.WebContents | null;
  loaded: string[];
  sent: string[];
  posted: { channel: string; message: unknown; ports: unknown[] }[];
  focused: number;
  openHandler: ((details: Electron.HandlerDetails) => Electron.WindowOpenHandlerResponse) | null;
}

interface FakeChild {
  modulePath: string;
  args: string[];
  options: Electron.ForkOptions | undefined;
  posted: { message: unknown; ports: unknown[] }[];
  killed: boolean;
  process: EventEmitter;
}

interface SessionHandlers {
  request?: Parameters<Electron.Session["setPermissionRequestHandler"]>[0] | undefined;
  check?: Parameters<Electron.Session["setPermissionCheckHandler"]>[0] | undefined;
  device?: Parameters<Electron.Session["setDevicePermissionHandler"]>[0] | undefined;
  network?: ((details: { url: string }, callback: (response: Electron.CallbackResponse) => void) => void) | undefined;
}

const emitter = <Part extends object>(part: Part) => Object.assign(new EventEmitter(), part);

/** The same object, except that reading a member it lacks throws. Promises and module systems probe a few names. */
export function strict<Part extends object>(name: string, part: Part): Part {
  return new Proxy(part, {
    get(target, key, receiver) {
      if (typeof key === "string" && !(key in target) && key !== "then") {
        throw new Error(`The fake has no ${name}.${key}: add it, or test this with Electron's program.`);
      }
      return Reflect.get(target, key, receiver);
    },
  });
}
