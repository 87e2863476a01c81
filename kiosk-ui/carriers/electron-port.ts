import { type Carrier, type CarrierEvents, isPortMessage } from "./carrier.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";

/** What the shell's preload puts on `window`: a way to ask for a port, and nothing that could carry data out. */
export interface TramShell {
  requestPort(): void;
}

declare global {
  interface Window {
    readonly tram?: TramShell;
  }
}

/**
 * Carries the kiosk port over a `MessagePort` that the shell hands over by `window.postMessage("tram-port")`. The shell
 * offers a new one by itself when it has restarted the agent; asking again covers a port that was lost on the way.
 * The end of an agent is learnt from the shell (`tram-gone`), not from the port: Chromium 156 has no `close` event on
 * message ports (measured), although the HTML standard has one.
 */
export function openElectronPort(shell: TramShell, events: CarrierEvents): Carrier {
  let port: MessagePort | null = null;
  let attempt = 0;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;

  const drop = () => {
    const lost = port;
    port = null;
    lost?.close();
    return lost !== null;
  };

  const ask = () => {
    shell.requestPort();
    retryTimer = setTimeout(ask, reconnectDelayMs(attempt + 4, Math.random()));
    attempt += 1;
  };

  const lose = () => {
    if (!drop()) return;
    events.onClose();
    clearTimeout(retryTimer);
    retryTimer = setTimeout(ask, reconnectDelayMs(0, Math.random()));
  };

  const take = (mine: MessagePort) => {
    drop();
    clearTimeout(retryTimer);
    port = mine;
    mine.onmessage = (event: MessageEvent<unknown>) => {
      if (mine !== port || !isPortMessage(event.data)) return;
      attempt = 0;
      events.onMessage(event.data);
    };
    events.onOpen();
  };

  const onWindowMessage = (event: MessageEvent<unknown>) => {
    // Only this window itself (its preload) may hand over a port; a frame or an opener may not.
    if (event.source !== window || event.origin !== window.location.origin) return;
    if (event.data === "tram-gone") lose();
    const [offered] = event.ports;
    if (event.data === "tram-port" && offered) take(offered);
  };

  window.addEventListener("message", onWindowMessage);
  ask();
  return {
    send(intent) {
      if (!port) return false;
      port.postMessage(intent);
      return true;
    },
    reconnect: lose,
    dispose() {
      clearTimeout(retryTimer);
      window.removeEventListener("message", onWindowMessage);
      drop();
    },
  };
}
