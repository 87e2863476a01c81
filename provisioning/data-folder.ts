import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, realpathSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import os from "node:os";
import path from "node:path";
import { AgentError } from "./agent-error.ts";

/** Where a station keeps its data unless `--data` says otherwise: the user's own folder for application data. */
export function defaultDataFolder(): string {
  if (process.platform === "win32") {
    return path.join(process.env.LOCALAPPDATA ?? path.join(os.homedir(), "AppData", "Local"), "TramQR");
  }
  return path.join(process.env.XDG_DATA_HOME || path.join(os.homedir(), ".local", "share"), "tram-qr");
}

/** Magic numbers of statfs(2) for file systems that forget (linux/magic.h). */
const volatileFileSystems = new Map([
  [0x0102_1994, "tmpfs"],
  [0x8584_58f6, "ramfs"],
  [0x794c_7630, "overlayfs"],
]);

/**
 * Makes the folder (mode 0700) and proves that it can be written.
 *
 * @throws AgentError `data.unwritable`
 */
export function prepareDataFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK | constants.X_OK);
    // access(2) says yes to root on a read-only mount of some kinds; only a write proves it.
    const probe = path.join(folder, `.probe-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
    return realpathSync(folder);
  } catch (cause) {
    throw new AgentError(
      "data.unwritable",
      `The data folder ${folder} cannot be written (${reasonOf(cause)}); give this user write access or choose another with --data.`,
      { cause },
    );
  }
}

/** The name of the file system when it would lose the journal with the power or the container, else null. */
export function volatileFileSystem(folder: string): string | null {
  return volatileFileSystems.get(Number(statfsSync(folder).type) >>> 0) ?? null;
}

/**
 * Takes the folder for this process until it ends, kill -9 included: the operating system owns the lock (an abstract
 * socket on Linux, a named pipe on Windows). Waits `patienceMs` for a previous owner
 * that is just ending.
 *
 * @throws AgentError `data.in-use`
 */
export async function lockDataFolder(
  folder: string,
  owner: "agent" | "launcher" = "agent",
  patienceMs = 3_000,
): Promise<Server> {
  const name = createHash("sha256")
    .update(`${owner} ${realpathSync(folder)}`)
    .digest("hex")
    .slice(0, 32);
  const address =
    process.platform === "win32"
      ? `\\\\.\\pipe\\tram-qr-${name}`
      : process.platform === "linux"
        ? `\0tram-qr-${name}`
        : path.join(os.tmpdir(), `tram-qr-${name}.lock`);
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const lock = await tryListen(address);
    if (lock) return lock;
    if (performance.now() >= giveUpAt) {
      throw new AgentError(
        "data.in-use",
        `The data folder ${folder} is already used by another running ${owner === "agent" ? "agent" : '"tram start"'}; stop that one or choose another folder with --data.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function tryListen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(null);
      else reject(error);
    });
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "read-only file system";
    case "ENOTDIR":
    case "EEXIST":
      return "a file stands in its place";
    case "ENOSPC":
      return "disk full";
    default:
      return code ?? String(cause);
  }
}
