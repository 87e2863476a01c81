import { statSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { findBrowser, findElectron, whyNoWindow } from "../../launch/window.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("page");

/** The kiosk page: its token, its port, and what can show it. */
export async function checkPage(station: Station): Promise<Finding[]> {
  return [...token(station.dataDir), ...(await port(station)), ...screen()];
}

function token(dataDir: string): Finding[] {
  const found = ["screen.token", "agent.run.json", "kiosk.html"].filter((name) => {
    const mode = statSync(path.join(dataDir, name), { throwIfNoEntry: false })?.mode ?? 0;
    return process.platform !== "win32" && (mode & 0o077) !== 0;
  });
  if (found.length === 0) return [];
  const files = found.map((name) => path.join(dataDir, name)).join(" ");
  return [
    say(
      "token",
      "fail",
      `Other users may read ${found.join(", ")}, which lead to the kiosk page.`,
      `Run "chmod 600 ${files}", delete screen.token, and restart the station.`,
    ),
  ];
}

async function port({ config, view, agent }: Station): Promise<Finding[]> {
  if (view !== null) return [say("port", "ok", "The agent serves its page on 127.0.0.1.")];
  if (agent !== null || config === null || config.kioskPort === 0) return [];
  if (!(await isTaken(config.kioskPort)))
    return [say("port", "ok", `Port ${config.kioskPort} of the kiosk page is free.`)];
  const next = `Find it with "sudo ss -ltnp sport = :${config.kioskPort}" and end it, or choose another "kioskPort".`;
  return [say("port", "fail", `Another program has port ${config.kioskPort} of the kiosk page.`, next)];
}

function isTaken(wanted: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port: wanted, timeout: 2_000 });
    const end = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(true));
    socket.once("error", () => end(false));
  });
}

function screen(): Finding[] {
  const why = whyNoWindow();
  const programs = [findElectron() === null ? null : "Electron", findBrowser()].filter((one) => one !== null);
  if (why !== null) {
    return [
      say(
        "window",
        "ok",
        `No window is opened by this user: ${why}; the page can be opened on the machine's own screen.`,
      ),
    ];
  }
  if (programs.length > 0) return [say("window", "ok", `A window can be opened with ${programs.join(" or ")}.`)];
  return [
    say(
      "window",
      "warn",
      "Neither Electron nor an installed browser is found: no window can be opened.",
      "Install chromium.",
    ),
  ];
}
