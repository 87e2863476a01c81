import { existsSync } from "node:fs";
import path from "node:path";
import { enrolmentFile } from "../../../agent/enrolment/enrolment-file.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("enrolment");

/** Whether this machine belongs to a place. A place is told by its id: its name can be a person's. */
export function checkEnrolment({ dataDir, configFile, kept, isEnrolmentDamaged, view }: Station): Finding[] {
  const file = path.join(dataDir, enrolmentFile);
  if (isEnrolmentDamaged) {
    const next = "Enrol this machine anew with its owner; what is recorded here stays and goes up afterwards.";
    return [say("machine", "fail", `${file} cannot be read.`, next)];
  }
  const { registration, revoked, waiting, config } = kept;
  const key = view === null ? "" : `; key ${view.enrolment.fingerprint}`;
  if (registration !== null && !revoked) {
    return [
      say("machine", "ok", `This machine is enrolled for the place ${registration.checkpoint_id}${key}.`),
      ...place(config?.value.place.state),
    ];
  }
  if (registration !== null) {
    const next = "Ask the owner; if it was an error, enrol it anew with an invitation.";
    return [
      say(
        "machine",
        "fail",
        "The owner has removed this machine: nobody new is recorded, the rest is still sent.",
        next,
      ),
    ];
  }
  if (waiting !== null) {
    const next = "Let the owner approve it on a telephone, by the code on this machine's screen.";
    return [say("machine", "fail", `It waits for the owner's approval${key}: nobody is recorded before.`, next)];
  }
  const how = configFile === null && !existsSync(file) ? "" : ' or type "tram enrol"';
  const next = `Let the owner show an invitation ("Thêm máy") to this machine's reader${how}.`;
  return [say("machine", "fail", `This machine is not enrolled${key}: nobody is recorded.`, next)];
}

function place(state: string | undefined): Finding[] {
  switch (state) {
    case undefined:
      return [];
    case "active":
      return [say("place", "ok", "Its place is active.")];
    case "suspended":
      return [
        say(
          "place",
          "warn",
          "Its place is suspended: nobody new is recorded.",
          "The owner resumes it on the owner's page.",
        ),
      ];
    default:
      return [
        say(
          "place",
          "fail",
          `Its place is ${state}: nobody new is recorded.`,
          "The owner moves this machine to another place.",
        ),
      ];
  }
}
