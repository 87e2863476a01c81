import { execFile } from "node:child_process";
import { type Finding, findingsOf } from "../report.ts";
import { durationText, timeText } from "../words.ts";

const say = findingsOf("clock");

/** The centre tells whole seconds. */
const tellableMs = 1_500;
/** Entries are corrected by the measured offset; people at the screen and certificates are not. */
const visibleOffsetMs = 30_000;
const wrongOffsetMs = 5 * 60_000;

/** This machine's clock against the centre's, and who keeps it right. `offsetMs` is server minus local, null if unknown. */
export async function checkClock(offsetMs: number | null): Promise<Finding[]> {
  return [...offset(offsetMs), ...(await keptRight())];
}

function offset(offsetMs: number | null): Finding[] {
  const now = timeText(Date.now());
  if (offsetMs === null) {
    return [
      say("offset", "unknown", `It shows ${now}; the centre was not heard to compare.`, "Compare it with a phone."),
    ];
  }
  const away = Math.abs(offsetMs);
  if (away < visibleOffsetMs)
    return [
      say(
        "offset",
        "ok",
        `${now}; ${away < tellableMs ? "it agrees with the centre's" : `${durationText(away)} off the centre's`}.`,
      ),
    ];
  const what = `It shows ${now}, ${durationText(away)} ${offsetMs > 0 ? "behind" : "ahead of"} the centre's. Entries are corrected, the screen is not.`;
  const next =
    process.platform === "win32"
      ? 'Set it: "w32tm /resync".'
      : 'Set it: "sudo timedatectl set-ntp true"; if it is wrong after each power cut, replace the clock battery.';
  return [say("offset", away < wrongOffsetMs ? "warn" : "fail", what, next)];
}

async function keptRight(): Promise<Finding[]> {
  const shown = await timedatectl();
  if (shown === null) return [];
  const is = (name: string): boolean => new RegExp(`^${name}=yes$`, "m").test(shown);
  if (is("NTPSynchronized")) return [say("ntp", "ok", "Kept right over the network (NTP).")];
  if (is("NTP"))
    return [
      say(
        "ntp",
        "warn",
        "NTP is on, but has not synchronised yet.",
        "Allow UDP port 123 to a time server in this network.",
      ),
    ];
  return [say("ntp", "warn", "Nobody keeps the clock right.", 'Run "sudo timedatectl set-ntp true".')];
}

/** Null where there is no systemd to ask. */
function timedatectl(): Promise<string | null> {
  if (process.platform !== "linux") return Promise.resolve(null);
  return new Promise((resolve) => {
    execFile("timedatectl", ["show"], { timeout: 3_000 }, (error, out) => resolve(error === null ? out : null));
  });
}
