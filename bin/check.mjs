// Whether the tree is well: format and lint, promises and exhaustiveness, types and layers, dead code, the OpenAPI
// file, the build. Runs all of them and names those that failed.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { root } from "./setup.mjs";

const checks = [
  {
    name: "format and lint",
    args: ["node_modules/@biomejs/biome/bin/biome", "ci", "--error-on-warnings", "--colors=off", "."],
  },
  { name: "promises and exhaustiveness", args: ["node_modules/oxlint/bin/oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types and layers", args: ["node_modules/typescript/bin/tsc", "-b"] },
  { name: "dead code", args: ["node_modules/knip/bin/knip.js"] },
  { name: "OpenAPI file", args: ["contract/openapi-file.ts", "--check"] },
  { name: "build", args: ["bin/build.mjs"] },
];

const failed = [];
for (const { name, args } of checks) {
  process.stdout.write(`check: ${name}\n`);
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  if (result.status !== 0) failed.push(name);
}
if (failed.length > 0) {
  rmSync(path.join(root, "dist", ".built"), { force: true });
  process.stderr.write(`The tree is not well: ${failed.join(", ")} failed (see above).\n`);
  process.exit(1);
}
process.stdout.write("The tree is well.\n");
