/** Looks at this machine for what keeps a serial reader from being opened. */
import { constants } from "node:fs";
import { access, readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { basename, join } from "node:path";
import { linuxSystem } from "../plugged/system.ts";
import { RULES_FILE, RULES_FOLDERS } from "../udev-rules.ts";
import { type FoundNode, type LinuxFindings, type SerialTrap, trapsIn } from "./linux-traps.ts";
import { portOwner } from "./port-owner.ts";

export type { SerialTrap } from "./linux-traps.ts";

/**
 * What stands in the way of opening a serial port, or of serial readers as such when `devicePath` is null; the most
 * likely reason first, each with the command that mends it. Empty where nothing is known. Never rejects.
 */
export async function serialTraps(devicePath: string | null): Promise<readonly SerialTrap[]> {
  if (process.platform !== "linux") return [];
  return trapsIn(await lookAt(devicePath, "/"));
}

/**
 * The program that has a port open: its name and process id, `this station`, or null when nobody can tell, as of
 * another user's program.
 */
export async function holderOf(path: string): Promise<string | null> {
  const node = await realpath(path).catch(() => path);
  for (const id of await processIds("/proc")) {
    for (const handle of await readdir(`/proc/${id}/fd`).catch(() => [])) {
      if ((await readlink(`/proc/${id}/fd/${handle}`).catch(() => "")) !== node) continue;
      if (id === String(process.pid)) return "this station";
      const [program = ""] = (await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")).split("\0");
      return `${basename(program)} (process ${id})`;
    }
  }
  return null;
}

/** What is found on the machine whose file system begins at `root`. */
export async function lookAt(wantedPath: string | null, root: string): Promise<LinuxFindings> {
  const at = (path: string): string => join(root, path);
  const path = wantedPath === null ? null : await realpath(wantedPath).catch(() => wantedPath);
  const userName = nameOfUser();
  const system = linuxSystem({ sys: at("sys"), dev: at("dev") });
  return {
    wantedPath,
    node: path === null ? null : await findNode(path, wantedPath ?? path, userName, at("etc")),
    usb: path === null ? null : await portOwner(path, system),
    userName,
    isModemManagerRunning: await isRunning("ModemManager", at("proc")),
    isIgnoredByModemManager: path !== null && (await isIgnored(basename(path), root)),
    brlttyRules: await rulesAtWork((file) => /brltty.*\.rules$/.test(file), root),
    areRulesInstalled: (await rulesAtWork((file) => file === basename(RULES_FILE), root)) !== "",
    isUdevRunning: await exists(at("run/udev/control")),
  };
}

/** A user of a container may have no name. */
function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

async function findNode(path: string, wantedPath: string, userName: string, etc: string): Promise<FoundNode | null> {
  try {
    const { uid, gid, mode } = await stat(path);
    const groups = await table(join(etc, "group"));
    const users = await table(join(etc, "passwd"));
    const byId = (rows: string[][], id: number): string[] | undefined => rows.find((row) => row[2] === String(id));
    const group = byId(groups, gid);
    const isPrimary = users.find(([name]) => name === userName)?.[3] === String(gid);
    return {
      path: wantedPath,
      owner: byId(users, uid)?.[0] ?? String(uid),
      group: group?.[0] ?? String(gid),
      mode: mode & 0o777,
      mayOpen: await access(path, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      ),
      isUserInGroup: isPrimary || (group?.[3]?.split(",").includes(userName) ?? false),
    };
  } catch {
    return null;
  }
}

/** The rows of /etc/passwd or /etc/group. */
async function table(file: string): Promise<string[][]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}

async function isRunning(program: string, proc: string): Promise<boolean> {
  for (const id of await processIds(proc)) if ((await programName(id, proc)) === program) return true;
  return false;
}

async function processIds(proc: string): Promise<string[]> {
  return (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
}

async function programName(id: string, proc: string): Promise<string> {
  return (await readFile(join(proc, id, "comm"), "utf8").catch(() => "")).trim();
}

/** Whether udev's database has the mark on the port itself; ModemManager looks there. */
async function isIgnored(name: string, root: string): Promise<boolean> {
  const number = await readFile(join(root, "sys/class/tty", name, "dev"), "utf8").catch(() => "");
  const entry = await readFile(join(root, "run/udev/data", `c${number.trim()}`), "utf8").catch(() => "");
  return /^E:ID_MM_(?:DEVICE|PORT)_IGNORE=1$/m.test(entry);
}

/** The text of all rules files of that name; one in an earlier folder hides, or masks, those in later ones. */
async function rulesAtWork(isMeant: (file: string) => boolean, root: string): Promise<string> {
  const files = new Map<string, string>();
  for (const folder of RULES_FOLDERS.map((one) => join(root, one))) {
    for (const file of (await readdir(folder).catch(() => [])).filter(isMeant)) {
      if (!files.has(file)) files.set(file, await readFile(join(folder, file), "utf8").catch(() => ""));
    }
  }
  return [...files.values()].join("\n");
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
