import { contextBridge, ipcRenderer } from "electron";
import { channels } from "./channels.ts";

// Only what is used of the page's window: the rest of the shell has no DOM, so its types are not switched on.
declare const window: { postMessage(message: string, targetOrigin: string, transfer?: readonly unknown[]): void };

// A message port cannot cross the context bridge; `window.postMessage` to the same window is the documented way. The
// target is this very document, and a custom scheme may count as an opaque origin, hence "*".
ipcRenderer.on(channels.port, (event) => window.postMessage(channels.port, "*", event.ports));
ipcRenderer.on(channels.gone, () => window.postMessage(channels.gone, "*"));

// One function without arguments or result: the page can ask for its port and say nothing else to the shell.
contextBridge.exposeInMainWorld("tram", { requestPort: () => ipcRenderer.send(channels.wanted) });
