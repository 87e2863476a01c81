import { refuseContradictions } from "../../../agent/main.ts";
import { parseRelaySpecs } from "../../../drivers/gate/relay-spec.ts";
import { parseReaderChoice } from "../../../drivers/reader-spec.ts";
import { configMistakes } from "../../../provisioning/agent-config.ts";
import { isExpected } from "../../failure.ts";
import { readText } from "../holder.ts";
import { type Finding, findingsOf, fromSentence } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("config");

/** Every mistake of the configuration file, not only the one an agent would stop at. */
export function checkConfig({ configFile, config, dataDir }: Station): Finding[] {
  if (configFile === null) {
    const next = "Name it with --config FILE to have it checked.";
    return [
      say(
        "file",
        "unknown",
        `No configuration file was found beside ${dataDir}, and no agent runs that names one.`,
        next,
      ),
    ];
  }
  const text = readText(configFile);
  if (text === null) {
    return [say("file", "fail", `The configuration ${configFile} cannot be read.`, "Check the path and its rights.")];
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const at = /position (\d+)/.exec(String(error))?.[1];
    const line = at === undefined ? "" : ` (line ${text.slice(0, Number(at)).split("\n").length})`;
    return [say("file", "fail", `The configuration ${configFile} is not JSON${line}.`, "Correct the file.")];
  }
  const mistakes = configMistakes(json).map((mistake) =>
    say(
      "value",
      "fail",
      `The configuration ${configFile} ${mistake}.`,
      "Correct the file; the running agent keeps the old one until it is restarted.",
    ),
  );
  if (config === null) return mistakes;
  const wrong = [
    ...config.readers.map((text) => () => void parseReaderChoice(text)),
    ...config.gate.relays.map((text) => () => void parseRelaySpecs([text])),
  ].flatMap(sentenceOf);
  // What they say of each other can be told only when each of them is understood.
  if (wrong.length === 0) {
    wrong.push(
      ...sentenceOf(() =>
        refuseContradictions(config.readers.map(parseReaderChoice), parseRelaySpecs(config.gate.relays)),
      ),
    );
  }
  if (wrong.length > 0) return wrong;
  const demo = config.demo
    ? [say("demo", "warn", '"demo" is on: the data folder may forget.', 'Take "demo" out at a gate.')]
    : [];
  return [say("file", "ok", `${configFile} is valid.`), ...demo];
}

function sentenceOf(look: () => void): Finding[] {
  try {
    look();
    return [];
  } catch (fault) {
    if (!isExpected(fault)) throw fault;
    return [fromSentence(say, "value", "fail", fault.message)];
  }
}
