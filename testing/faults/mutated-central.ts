import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { startCentral } from "../../central/server.ts";
import { type Mutation, mutate } from "./mutated-program.ts";

const root = path.resolve(import.meta.dirname, "..", "..");

/** The text of a source of the central service, by its name from the root. */
export function sourceOf(file: string): Map<string, string> {
  return new Map([[file, readFileSync(path.join(root, file), "utf8")]]);
}

export interface MutatedCentral extends Disposable {
  /** In the place of the real one, in this process. */
  readonly startCentral: typeof startCentral;
}

/**
 * For negative controls: the sources of the central service with one protection taken out.
 *
 * @throws {Error} naming the text that was not found as often as said
 */
export async function mutateCentral(file: string, mutation: Mutation): Promise<MutatedCentral> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-mutated-"));
  for (const name of ["central", "contract"])
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  writeFileSync(path.join(folder, "package.json"), '{"type":"module"}\n');
  const sources = sourceOf(file);
  mutate(sources, mutation);
  for (const text of sources.values()) writeFileSync(path.join(folder, file), text);
  const server = (await import(path.join(folder, "central", "server.ts"))) as { startCentral: typeof startCentral };
  return {
    startCentral: server.startCentral,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
