import { hasStaleRunFile } from "../holder.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";
import { durationText, timeText } from "../words.ts";

const say = findingsOf("agent");

/** Who uses the folder, since when, and whether it answers. */
export function checkAgent({ agent, launcher, view, dataDir }: Station): Finding[] {
  if (agent === null) {
    if (launcher !== null) {
      const what = `"tram start" runs (process ${launcher.pid}), but its agent does not: it is being started, again and again.`;
      return [say("running", "fail", what, `Look at ${dataDir}/log/agent.log; the other findings here may say why.`)];
    }
    const crashed = hasStaleRunFile(dataDir) ? " The last one was killed or lost its power." : "";
    return [
      say(
        "running",
        "fail",
        `No agent runs: nothing is recorded.${crashed}`,
        'Start it: the service of this machine, or "tram start".',
      ),
    ];
  }
  const { pid, sinceMs } = agent;
  const who = pid === null ? "in another container" : `process ${pid}`;
  const since = sinceMs === null ? "" : `, since ${timeText(sinceMs)} (${durationText(Date.now() - sinceMs)})`;
  if (view === null) {
    const what = `An agent holds the folder (${who}${since}), but does not answer: it is just starting, or stands still.`;
    const next =
      pid === null
        ? "Look again in a minute; restart it if that lasts."
        : `Look again in a minute; if that lasts, end it ("kill ${pid}") and let its service start it anew.`;
    return [say("running", "fail", what, next)];
  }
  const { screen } = view;
  if (screen.state === "out-of-order") {
    return [
      say(
        "running",
        "fail",
        `The agent runs (${who}${since}) and records nothing: ${screen.title.en}.`,
        `${screen.next.en}.`,
      ),
    ];
  }
  const relays = view.relays.map((relay) =>
    relay.state === "fault"
      ? say(
          "relay",
          "fail",
          `The relay ${relay.id} does not open the gate: ${relay.message?.en ?? "fault"}.`,
          "Look at its cable and its power.",
        )
      : say("relay", "ok", `The relay ${relay.id} is ${relay.state}.`),
  );
  return [say("running", "ok", `The agent runs (${who}${since}) and answers.`), ...relays];
}
