import type { OpenCarrier } from "./carrier.ts";
import { openElectronPort } from "./electron-port.ts";
import { openLoopbackSocket, tokenFromHash } from "./loopback-socket.ts";

/** The shell's port where its preload is present, otherwise the loopback socket; null when the page has no token for it. */
export function chooseCarrier(page: Window): OpenCarrier | null {
  const shell = page.tram;
  if (shell) return (events) => openElectronPort(shell, events);
  const token = tokenFromHash(page.location.hash);
  if (token) return (events) => openLoopbackSocket(page.location.host, token, events);
  return null;
}
