// `npm test` and `npm run` with test:rig, test:faults, soak, check, bench: set-up first, then the task on Node 24.
import { ensureBuild, ensureDependencies, fail, runOn24 } from "./setup.mjs";
import { ensureRig } from "./test-rig.mjs";
import { ensureFaultTools, ensureTestTools } from "./test-tools.mjs";

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
  case "faults":
    ensureFaultTools("npm run test:faults");
    ensureBuild();
    runOn24(["testing/faults/run.ts", ...rest]);
    break;
  case "soak":
    ensureFaultTools("npm run soak");
    ensureBuild();
    runOn24(["testing/faults/soak.ts", ...rest]);
    break;
  case "check":
    runOn24(["bin/check.mjs"]);
    break;
  case "bench":
    ensureBuild();
    runOn24(["bench/run.ts", ...rest]);
    break;
  default:
    fail(`Unknown task "${task}": use npm test, or npm run with test:rig, test:faults, soak, check or bench.`);
}
