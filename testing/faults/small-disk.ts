import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../folder.ts";
import type { Effort, FaultOutcome } from "./fault.ts";

/**
 * Runs `file FOLDER ARGS...` in a mount namespace of its own, where it may mount on the temporary FOLDER; what it prints as
 * JSON is the outcome. Everything mounted there is gone with the process. Without root only a tmpfs can be mounted.
 *
 * @throws {Error} with what the process said when there is no outcome
 */
export async function inOwnMounts(file: string, args: readonly string[]): Promise<FaultOutcome> {
  using folder = temporaryFolder();
  const isRoot = process.getuid?.() === 0;
  const child = spawn("unshare", [isRoot ? "-m" : "-Urm", process.execPath, file, folder.path, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let complained = "";
  child.stdout.on("data", (part: Buffer) => {
    said += part.toString("utf8");
  });
  child.stderr.on("data", (part: Buffer) => {
    complained = (complained + part.toString("utf8")).slice(-2_000);
  });
  await new Promise((resolve, reject) => {
    child.once("error", () => reject(new Error('"unshare" of util-linux is needed for a disk that can be filled.')));
    child.once("close", resolve);
  });
  const [line] = said.split("\n").filter((each) => each.startsWith('{"counts"'));
  if (line === undefined) throw new Error(`No outcome: ${complained}`);
  return JSON.parse(line) as FaultOutcome;
}

/** Mounts a small disk of `mebibytes` on `folder`: a tmpfs, or with full effort and root an ext4 file system. */
export function mountSmallDisk(folder: string, mebibytes: number, effort: Effort): { readonly isVolatile: boolean } {
  mkdirSync(folder, { recursive: true });
  const isVolatile = effort === "fast" || process.getuid?.() !== 0;
  if (isVolatile) {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "none", folder]);
    return { isVolatile };
  }
  const image = `${folder}.img`;
  closeSync(openSync(image, "w"));
  truncateSync(image, mebibytes << 20);
  execFileSync("mkfs.ext4", ["-q", "-F", "-m", "0", image]);
  execFileSync("mount", ["-o", "loop", image, folder]);
  return { isVolatile };
}

/** Something else on the disk that takes all its room, but `sparedBytes`. */
export class Filler {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = path.join(folder, "something-else");
  }

  /** Returns how many bytes it took. */
  fill(sparedBytes = 0): number {
    const descriptor = openSync(this.#file, "a");
    let taken = 0;
    for (let piece = 1 << 20; piece >= 4_096; ) {
      const { bavail, bsize } = statfsSync(path.dirname(this.#file));
      if (bavail * bsize - sparedBytes < piece) {
        piece /= 2;
        continue;
      }
      try {
        taken += writeSync(descriptor, Buffer.alloc(piece, 7));
      } catch {
        piece /= 2;
      }
    }
    closeSync(descriptor);
    return taken;
  }

  free(): void {
    rmSync(this.#file, { force: true });
  }
}
