import { constants, type Stats } from "node:fs";
import { access, lstat, readdir, stat, statfs } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { volatileFileSystem } from "../../../provisioning/data-folder.ts";
import { readText } from "../holder.ts";
import { type Finding, findingsOf } from "../report.ts";
import type { Station } from "../station.ts";
import { bytesText, countText } from "../words.ts";

const say = findingsOf("folder");

/** Below this many free files a journal can be opened no more: its log, its index, the lock, the run file. */
const fewestInodes = 100;
/** As the agent warns: under a tenth free. */
const lowShare = 0.1;
/** What the program keeps when nothing else is configured, MiB. */
const usualBallastMiB = 64;

/** Rights, owner and room of the data folder. Without it nothing else of the station can be looked at. */
export async function checkFolder({ dataDir, config }: Station): Promise<Finding[]> {
  let folder: Stats;
  try {
    folder = await stat(dataDir);
    if (!folder.isDirectory()) {
      return [say("there", "fail", `${dataDir} is a file, no folder.`, "Name the station's data folder with --data.")];
    }
    await access(dataDir, constants.R_OK | constants.X_OK);
  } catch (error) {
    return [await unreachable(dataDir, error as NodeJS.ErrnoException)];
  }
  return [
    ...(await rights(dataDir, folder)),
    ...(await room(dataDir, config?.journal.ballastMiB ?? usualBallastMiB)),
    ...lasting(dataDir, config?.demo === true),
  ];
}

async function unreachable(dataDir: string, { code }: NodeJS.ErrnoException): Promise<Finding> {
  if (code === "ENOENT") {
    const next = "Name the station's data folder with --data, or start the station once.";
    return say("there", "fail", `There is no data folder ${dataDir}.`, next);
  }
  const owner = await stat(dataDir).then(
    ({ uid }) => userName(uid),
    () => null,
  );
  const whose = owner === null ? "" : `, which belongs to ${owner}`;
  const command = owner === null ? "sudo tram doctor" : `sudo -u ${owner} tram doctor`;
  return say(
    "there",
    "unknown",
    `This user may not look into ${dataDir}${whose} (${code}).`,
    `Run "${command} --data ${dataDir}".`,
  );
}

async function rights(dataDir: string, folder: Stats): Promise<Finding[]> {
  if (process.platform === "win32") return [];
  const found: Finding[] = [];
  if ((folder.mode & 0o077) !== 0) {
    const mode = (folder.mode & 0o777).toString(8).padStart(4, "0");
    found.push(
      say("rights", "fail", `Other users may look into ${dataDir} (mode ${mode}).`, `Run "chmod 700 ${dataDir}".`),
    );
  }
  const foreign = await foreignFiles(dataDir, folder.uid);
  if (foreign.length > 0) {
    const named = foreign.slice(0, 3).join(", ");
    const more = foreign.length > 3 ? ` and ${foreign.length - 3} more` : "";
    const next = `Run "sudo chown -R ${userName(folder.uid)}: ${dataDir}", and no command of the station with sudo.`;
    found.push(say("owner", "fail", `Files in it do not belong to ${userName(folder.uid)}: ${named}${more}.`, next));
  }
  const refusal = await access(dataDir, constants.W_OK).then(
    () => null,
    (error: NodeJS.ErrnoException) => error.code ?? "?",
  );
  if (refusal === "EROFS") {
    const next = 'Look at "dmesg" for disk errors, mend or replace the disk, and mount it for writing.';
    found.push(say("writable", "fail", `The file system of ${dataDir} is read-only: nothing can be recorded.`, next));
  } else if (refusal !== null) {
    const next = `Run "chmod 700 ${dataDir}" as ${userName(folder.uid)}.`;
    found.push(say("writable", "fail", `${dataDir} cannot be written (${refusal}).`, next));
  }
  if (found.length > 0) return found;
  return [say("rights", "ok", `${dataDir} belongs to ${userName(folder.uid)} alone (mode 0700) and can be written.`)];
}

/** Files of the station's own in the folder that another user made; folders of the centre and of a browser are their own. */
async function foreignFiles(dataDir: string, uid: number): Promise<string[]> {
  const names = await readdir(dataDir);
  const owners = await Promise.all(
    names.map(async (name) => {
      const one = await lstat(path.join(dataDir, name)).catch(() => null);
      return one !== null && one.uid !== uid ? name : null;
    }),
  );
  return owners.filter((name) => name !== null).toSorted();
}

async function room(dataDir: string, ballastMiB: number): Promise<Finding[]> {
  const { bavail, blocks, bsize, files, ffree } = await statfs(dataDir);
  const free = bavail * bsize;
  const share = blocks === 0 ? 1 : bavail / blocks;
  const floor = (ballastMiB * 2 ** 20) / 4;
  const text = `${bytesText(free)} free (${Math.round(share * 100)} %)`;
  const space =
    free < floor
      ? say(
          "space",
          "fail",
          `The disk is full: ${text}; scans are refused aloud.`,
          "Free some space now; the station goes on by itself.",
        )
      : share < lowShare
        ? say(
            "space",
            "warn",
            `The disk is nearly full: ${text}.`,
            "Free some space, or let the station send what waits.",
          )
        : say("space", "ok", `${text}.`);
  // Some file systems (btrfs) make inodes as they need them and tell of none.
  if (files === 0) return [space];
  const inodes = countText(ffree, "free inode");
  if (ffree >= fewestInodes) return [space, say("inodes", "ok", `${inodes}.`)];
  const next = `Find the folder of many small files with "sudo du --inodes -xd2 / | sort -n | tail" and empty it.`;
  return [space, say("inodes", "fail", `The file system can hold no more files (${inodes}).`, next)];
}

function lasting(dataDir: string, isDemo: boolean): Finding[] {
  const system = process.platform === "linux" ? volatileFileSystem(dataDir) : null;
  if (system === null) return [];
  const what = `${dataDir} is on ${system}, which forgets everything at power-off.`;
  const next = 'Choose a folder on a local disk (ext4, xfs, NTFS) with "dataDir".';
  return [say("lasting", isDemo ? "warn" : "fail", what, next)];
}

/** The name of a user, or the number of one that has none. */
function userName(uid: number): string {
  const row = (readText("/etc/passwd") ?? "").split("\n").find((line) => line.split(":")[2] === String(uid));
  return row?.split(":")[0] ?? (uid === os.userInfo().uid ? os.userInfo().username : String(uid));
}
