import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..", "..");

/** The built program `tram`, as it ships. */
export const builtProgram = path.join(root, "dist", "tram", "tram.js");

/** One change to the built program, or to a source of the central service. */
export interface Mutation {
  /** A source of the central service, from the root; the built program `tram` unless told. */
  readonly file?: string;
  /** Exact text of the build (one statement, a pragma, a sentence: not minified, indented with tabs). */
  readonly text: string;
  readonly by: string;
  /** How often the text stands there: any other number is an error, so that a control cannot turn into a no-op. */
  readonly times: number;
}

/** A copy of the build that misses something. */
export interface MutatedProgram extends Disposable {
  /** Its `tram.js`, in the place of {@link builtProgram}. */
  readonly program: string;
}

/** Texts of the build by file name. */
export function builtFiles(): Map<string, string> {
  const built = path.dirname(builtProgram);
  const names = readdirSync(built).filter((name) => name.endsWith(".js"));
  return new Map(names.map((name) => [name, readFileSync(path.join(built, name), "utf8")]));
}

/** Changes these texts. @throws {Error} naming the text that was not found as often as said */
export function mutate(files: Map<string, string>, { text, by, times }: Mutation): void {
  let found = 0;
  for (const [name, content] of files) {
    const pieces = content.split(text);
    found += pieces.length - 1;
    files.set(name, pieces.join(by));
  }
  if (found !== times) {
    const where = files.size === 1 ? [...files.keys()].join() : "The build";
    throw new Error(`${where} has ${found} times, not ${times}: ${text}. Correct the control to what it says.`);
  }
}

/**
 * For negative controls: the real product with one protection taken out. The copy stands in a temporary folder, with
 * the project's libraries and pages beside it.
 *
 * @throws {Error} naming the text that was not found as often as said
 */
export function mutateProgram(...mutations: readonly Mutation[]): MutatedProgram {
  const built = path.dirname(builtProgram);
  const files = builtFiles();
  for (const mutation of mutations) mutate(files, mutation);
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-mutated-"));
  const copy = path.join(folder, "dist", "tram");
  mkdirSync(copy, { recursive: true });
  cpSync(built, copy, { recursive: true });
  for (const [name, content] of files) writeFileSync(path.join(copy, name), content);
  for (const page of ["kiosk", "live"]) symlinkSync(path.join(root, "dist", page), path.join(folder, "dist", page));
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  writeFileSync(path.join(folder, "package.json"), '{"type":"module"}\n');
  return {
    program: path.join(copy, "tram.js"),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
