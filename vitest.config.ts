import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts", "**/*.test.tsx"],
    exclude: ["node_modules/**", "dist/**"],
    // serialport's binding ends the whole process in a worker thread (node-serialport #1938, #2250).
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
