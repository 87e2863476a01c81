import { type Carrier, type CarrierEvents, isPortMessage } from "./carrier.ts";
import { reconnectDelayMs } from "./reconnect-delay.ts";

const protocolName = "tram.kiosk.1";
// A stopped agent still has its connection accepted by the operating system: without a limit the page would wait for ever.
const firstMessageLimitMs = 5_000;
const base64url = /^[A-Za-z0-9_-]{16,512}$/;

/** The token of `http://127.0.0.1:PORT/#<token>`, or null. It stays behind `#`, which no browser sends to a server. */
export function tokenFromHash(hash: string): string | null {
  const token = hash.replace(/^#/, "");
  return base64url.test(token) ? token : null;
}

/**
 * Carries the kiosk port over `ws://HOST/kiosk` of the machine itself. The token travels as the second subprotocol
 * (`token.<token>`): browsers cannot set headers on a WebSocket, and a query string would end in logs.
 */
export function openLoopbackSocket(host: string, token: string, events: CarrierEvents): Carrier {
  let socket: WebSocket | null = null;
  let attempt = 0;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;
  let disposed = false;

  const drop = () => {
    clearTimeout(silenceTimer);
    const lost = socket;
    socket = null;
    // Closing a connection to a stopped process takes the browser up to a minute; the page does not wait for it.
    lost?.close();
    return lost !== null;
  };

  const lose = () => {
    if (!drop() || disposed) return;
    events.onClose();
    retryTimer = setTimeout(connect, reconnectDelayMs(attempt, Math.random()));
    attempt += 1;
  };

  const connect = () => {
    const mine = new WebSocket(`ws://${host}/kiosk`, [protocolName, `token.${token}`]);
    socket = mine;
    silenceTimer = setTimeout(lose, firstMessageLimitMs);
    mine.onopen = () => {
      if (mine === socket) events.onOpen();
    };
    mine.onmessage = (event: MessageEvent<unknown>) => {
      if (mine !== socket || typeof event.data !== "string") return;
      const message = parseJson(event.data);
      if (!isPortMessage(message)) return;
      clearTimeout(silenceTimer);
      attempt = 0;
      events.onMessage(message);
    };
    mine.onclose = () => {
      if (mine === socket) lose();
    };
  };

  connect();
  return {
    send(intent) {
      if (socket?.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(intent));
      return true;
    },
    reconnect: lose,
    dispose() {
      disposed = true;
      clearTimeout(retryTimer);
      drop();
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
