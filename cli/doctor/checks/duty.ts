import { existsSync } from "node:fs";
import path from "node:path";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("duty");

/** Whether somebody stands behind the entries. Who it is stays on the screen. */
export function checkDuty({ dataDir, agent, view }: Station): Finding[] {
  if (view === null) {
    const isKept = existsSync(path.join(dataDir, "duty.sealed"));
    const what = isKept
      ? "A sign-in is kept here; whether it holds is told when the agent runs."
      : "Nobody has signed in here.";
    return [say("present", agent === null ? "ok" : "unknown", what)];
  }
  const { duty, queue } = view;
  const line = queue.online
    ? say("sending", "ok", "The agent is in touch with the centre.")
    : say(
        "sending",
        "warn",
        `The agent is not in touch with the centre${queue.message === null ? "" : `: ${queue.message.en}`}.`,
        "Scanning goes on; see network here.",
      );
  if (duty.state !== "signed-in") {
    return [
      line,
      say(
        "present",
        "warn",
        "Nobody is signed in at this station.",
        'Sign in on the kiosk page, or with "tram login".',
      ),
    ];
  }
  if (duty.expired) {
    return [
      line,
      say(
        "present",
        "warn",
        "The sign-in of the member on duty has ended.",
        "Let them sign in again on the kiosk page.",
      ),
    ];
  }
  return [line, say("present", "ok", "A member of the staff is signed in.")];
}
