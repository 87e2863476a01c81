import { parseArgs } from "node:util";
import { removeBacklogs } from "./bench-data.ts";
import { burst } from "./burst.ts";
import { drain } from "./drain.ts";
import { hidPosFuzz } from "./hid-pos-fuzz.ts";
import { idle } from "./idle.ts";
import { recogniserThroughput } from "./recogniser.ts";
import { scanToDurable } from "./scan-to-durable.ts";
import { webcamDecoders } from "./webcam.ts";

const given = parseArgs({
  allowPositionals: true,
  options: {
    /** Of webcam. */
    frames: { type: "string", default: "400" },
    /** Of burst and idle. */
    seconds: { type: "string", default: "60" },
    /** Of drain and idle. */
    entries: { type: "string", default: "1000000" },
  },
});
const { frames, seconds, entries } = given.values;

/** `npm run bench [NAME...] [--OPTION N]`: each bench prints its own table; nothing here is asserted. */
const benches: Readonly<Record<string, () => Promise<void> | void>> = {
  "scan-to-durable": scanToDurable,
  recogniser: recogniserThroughput,
  "hid-pos-fuzz": hidPosFuzz,
  webcam: () => webcamDecoders(Number(frames)),
  burst: () => burst(Number(seconds)),
  drain: () => drain(Number(entries)),
  idle: () => idle(Number(seconds), Number(entries)),
};

const wanted = given.positionals;
const unknown = wanted.find((name) => !(name in benches));
if (unknown !== undefined) {
  console.error(`There is no bench "${unknown}"; there are: ${Object.keys(benches).join(", ")}.`);
  process.exit(1);
}
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
removeBacklogs();
process.exit(0);
