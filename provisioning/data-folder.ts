import { accessSync, constants, mkdirSync, realpathSync, rmSync, statfsSync, writeFileSync } from "node:fs";
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
