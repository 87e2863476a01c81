import os from "node:os";
import { appVersion } from "../../../provisioning/app-version.ts";
import { type Finding, findingsOf } from "../report.ts";
import { durationText } from "../words.ts";

const say = findingsOf("program");

/** Which program looks, and on what. A wrong Node never gets as far. */
export function checkProgram(): Finding[] {
  const machine = `${process.platform} ${process.arch}, up ${durationText(os.uptime() * 1000)}`;
  return [say("version", "ok", `Trạm QR ${appVersion} on Node ${process.versions.node} (${machine}).`)];
}
