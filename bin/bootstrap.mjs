// `npm test`, `npm run test:rig`, `npm run check`, `npm run bench`: set-up first, then the task on Node 24.
import { ensureBuild, ensureDependencies, fail, runOn24 } from "./setup.mjs";
import { ensureRig } from "./test-rig.mjs";
import { ensureTestTools } from "./test-tools.mjs";

const [task, ...rest] = process.argv.slice(2);
ensureDependencies();
switch (task) {
  case "test":
    ensureTestTools();
    ensureBuild();
    runOn24(["node_modules/vitest/vitest.mjs", "run", ...rest]);
    break;
  case "rig":
    runOn24(["testing/rig/run.ts", ensureRig(), ...rest]);
    break;
  case "check":
    runOn24(["bin/check.mjs"]);
    break;
  case "bench":
    runOn24(["bench/run.ts", ...rest]);
    break;
  default:
    fail(`Unknown task "${task}": use npm test, npm run test:rig, npm run check or npm run bench.`);
}
