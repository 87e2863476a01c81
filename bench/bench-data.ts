import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";

/** Where benches write: on the disk of the project, not on a temporary file system. */
const folder = path.resolve(import.meta.dirname, "..", "dist", "bench-data");

/** An empty folder of this name there; removed at the end of the scope. */
export function benchFolder(name: string): Disposable & { readonly path: string } {
  const made = path.join(folder, name);
  rmSync(made, { recursive: true, force: true });
  mkdirSync(made, { recursive: true, mode: 0o700 });
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) };
}
