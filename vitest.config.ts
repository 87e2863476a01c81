import { defineConfig } from "vitest/config";

/** Tests over real pseudo-terminals, Unix file modes and poppler's programs, which Windows does not have. */
const unixOnly = [
  "agent/duty/duty.test.ts",
  "agent/readers.test.ts",
  "central/poster/poster.test.ts",
  "central/posters.test.ts",
  "central/server.test.ts",
  "cli/bad-input.test.ts",
  "cli/gate.test.ts",
  "cli/kiosk-e2e.test.ts",
  "cli/main-job.test.ts",
  "cli/poster.test.ts",
  "cli/reader-test-page.test.ts",
  "cli/reader-test.test.ts",
  "cli/readers-report.test.ts",
  "drivers/evdev/**",
  "drivers/gate/guarded-relays.test.ts",
  "drivers/gate/relay-board.test.ts",
  "drivers/gate/supervised-board.test.ts",
  "drivers/discovery.test.ts",
  "drivers/plugged/**",
  "drivers/serial/**",
  "drivers/supervised-reader.test.ts",
  "testing/faults/**",
];

if (process.platform === "win32") {
  process.stderr.write(`Not run on Windows, which has no pseudo-terminals: ${unixOnly.join(", ")}\n`);
}

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules/**", "dist/**", ...(process.platform === "win32" ? unixOnly : [])],
    // serialport's binding ends the whole process in a worker thread (node-serialport #1938, #2250).
    pool: "forks",
    // Most tests wait for devices and browsers, not for the processor: two at a time even on two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
