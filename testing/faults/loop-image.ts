import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { until } from "../until.ts";

const run = promisify(execFile);
const sbin = { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: "C" } };

const mounted = new Set<string>();
process.on("exit", () => {
  for (const folder of mounted) execFileSync("umount", ["-l", folder], sbin);
});

/** @throws {Error} in one sentence when this user may not mount */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new Error("This fault mounts disk images, which needs root: run it as root.");
}

/**
 * A disk in a file: ext4 on a loop device. The file is what the disk holds; what only the page cache of the mounted file
 * system knows is not in it. So a copy of the file at one moment is the disk after a power cut at that moment. It shows
 * loss in the file system, not reordering or torn sectors inside a drive.
 */
export class LoopImage implements AsyncDisposable {
  readonly file: string;
  /** Where it is mounted, while it is. */
  readonly folder: string;

  constructor(file: string) {
    this.file = file;
    this.folder = `${file}.mounted`;
  }

  /** A new, empty one. */
  static async make(file: string, megabytes: number): Promise<LoopImage> {
    await run("truncate", ["-s", `${megabytes}M`, file], sbin);
    await run("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0", file], sbin);
    return new LoopImage(file);
  }

  /** Mounts it; ext4 replays its journal where it was cut. */
  async mount(): Promise<void> {
    mkdirSync(this.folder, { recursive: true });
    await run("mount", ["-o", "loop", this.file, this.folder], sbin);
    mounted.add(this.folder);
  }

  async unmount(): Promise<void> {
    if (!mounted.has(this.folder)) return;
    // The last descriptor of a killed process may be closed a moment after it is gone.
    await until(`${this.folder} is unmounted`, async () => (await run("umount", [this.folder], sbin)) !== undefined);
    mounted.delete(this.folder);
  }

  /**
   * Copies the disk as it is, nothing flushed before. Whoever writes to it must stand still; the kernel does not, so a
   * copy during which it wrote is made again.
   */
  async copy(to: string): Promise<LoopImage> {
    for (;;) {
      const before = this.#written();
      await run("cp", ["--reflink=never", "--sparse=always", this.file, to], sbin);
      if (this.#written() === before) return new LoopImage(to);
    }
  }

  /** Writes that the block device has seen (Linux, block/stat: the fifth to seventh field). */
  #written(): string {
    const mount = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .find((line) => line.split(" ")[4] === this.folder);
    const device = mount?.split(" - ")[1]?.split(" ")[1];
    if (device === undefined) throw new Error(`${this.folder} is not mounted.`);
    const figures = readFileSync(`/sys/block/${path.basename(device)}/stat`, "utf8")
      .trim()
      .split(/\s+/);
    return figures.slice(4, 7).join(" ");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(this.file, { force: true });
  }
}
