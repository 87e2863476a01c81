import { kioskIntent } from "../kiosk-port/intent.ts";
import type { KioskPort } from "../kiosk-port/port.ts";

/** The part of Electron's `MessagePortMain` used here; the agent never imports Electron. */
interface ParentMessagePort {
  on(event: "message", listener: (event: { data: unknown }) => void): void;
  on(event: "close", listener: () => void): void;
  postMessage(message: unknown): void;
  start(): void;
}

interface ParentPort {
  on(event: "message", listener: (event: { ports: ParentMessagePort[] }) => void): void;
}

/** Inside Electron's utility process: each port the shell hands over is a screen. Elsewhere: nothing happens. */
export function openElectronPort(onPort: (port: KioskPort) => void): void {
  const { parentPort } = process as { parentPort?: ParentPort };
  parentPort?.on("message", ({ ports }) => {
    for (const port of ports) {
      onPort({
        post: (message) => port.postMessage(message),
        onIntent: (listener) => {
          port.on("message", ({ data }) => {
            const intent = kioskIntent.safeParse(data);
            if (intent.success) listener(intent.data);
          });
          port.start();
        },
        onClose: (listener) => port.on("close", listener),
      });
    }
  });
}
