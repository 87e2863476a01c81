import { fileURLToPath } from "node:url";
import preact from "@preact/preset-vite";
import { defineConfig, type UserConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const browser = (root: string, outDir: string): UserConfig => ({
  root: at(root),
  base: "./",
  plugins: [preact({ prefreshEnabled: false })],
  build: { outDir: at(outDir), emptyOutDir: true, target: "chrome120", modulePreload: false, assetsInlineLimit: 0 },
  worker: { format: "es" },
});

const program = (entries: readonly string[], outDir: string, format: "es" | "cjs" = "es"): UserConfig => ({
  root: at("."),
  publicDir: false,
  ssr: { external: ["electron"] },
  build: {
    ssr: true,
    outDir: at(outDir),
    emptyOutDir: true,
    target: "node24",
    copyPublicDir: false,
    rolldownOptions: {
      input: entries.map(at),
      output: { format, entryFileNames: "[name].js", chunkFileNames: "[name].js" },
    },
  },
});

/** One config for every part; `--mode` names the part. `bin/bootstrap.mjs` builds them all. */
export const parts: Record<string, UserConfig> = {
  kiosk: browser("kiosk-ui", "dist/kiosk"),
  pages: browser("central/pages", "dist/pages"),
  // The relay guard is a process of its own, the others are threads; the program starts them from beside itself.
  tram: program(
    [
      "cli/tram.ts",
      "drivers/gate/relay-guard.ts",
      "agent/journal/writer-thread.ts",
      "agent/journal/reader-thread.ts",
      "central/poster/poster-thread.ts",
    ],
    "dist/tram",
  ),
  shell: program(["kiosk-ui/shell/main.ts"], "dist/shell"),
  preload: program(["kiosk-ui/shell/preload.ts"], "dist/preload", "cjs"),
};

export default defineConfig(({ mode }) => parts[mode] ?? {});
