import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { ballastFile } from "../../../agent/journal/ballast.ts";
import { backupFile, setAsideFolder } from "../../../agent/journal/set-aside.ts";
import { idConflictCode, type JournalStore } from "../../../agent/journal/store.ts";
import { isExpected } from "../../failure.ts";
import { openJournal } from "../../journal-folder.ts";
import { ownProgram } from "../../output.ts";
import { type Finding, findingsOf, fromSentence } from "../report.ts";
import type { Station } from "../station.ts";
import { bytesText, countText, durationText, timeText } from "../words.ts";

const say = findingsOf("journal");

/** The whole file is read for so long, ms; a larger one is left to `tram journal verify`. */
const verifyWithinMs = 30_000;
/** What waits longer was not merely a short trouble of the line. */
const longUnsentMs = 3_600_000;
/** SQLite folds the log in at 4 MiB; at four times that somebody keeps it from doing so. */
const heldLogBytes = 16 << 20;
/** After a start the ballast is made by and by. */
const ballastDueMs = 120_000;
const maxToldFaults = 3;

/** What `tram journal verify --json` says, as far as it is needed. */
const verified = z.object({ rows: z.int().optional(), erased: z.int().optional(), faults: z.array(z.string()) });

/** The journal, read beside a running agent: does it open, what waits, is it sound. */
export async function checkJournal(station: Station): Promise<Finding[]> {
  const { dataDir } = station;
  const file = path.join(dataDir, "journal.db");
  if (!existsSync(file)) return [...absent(dataDir), ...setAsideSets(dataDir)];
  return [...figures(station), ...(await soundness(dataDir)), ...besideIt(station, file), ...setAsideSets(dataDir)];
}

function absent(dataDir: string): Finding[] {
  if (!existsSync(path.join(dataDir, "journal.witness")) && !existsSync(path.join(dataDir, "data-keys.json"))) {
    return [say("open", "warn", "There is no journal yet.", "It is made when the station starts for the first time.")];
  }
  const next = 'Change nothing, copy the whole folder, and call support; see "tram journal recover".';
  return [say("open", "fail", "The journal is gone, although this station has recorded before.", next)];
}

function figures({ dataDir }: Station): Finding[] {
  let journal: JournalStore;
  try {
    journal = openJournal(dataDir);
  } catch (fault) {
    if (!isExpected(fault)) throw fault;
    return [fromSentence(say, "open", "fail", fault.message)];
  }
  try {
    const { unsent, oldestWallMs, quarantined } = journal.queue();
    const conflicts = journal.quarantinedWith(idConflictCode);
    return [
      say("open", "ok", `It opens; ${bytesText(journal.fileBytes)}, numbers up to ${journal.lastSeq}.`),
      ...queue(unsent, oldestWallMs),
      ...refused(quarantined - conflicts, conflicts),
      ...ownersWayIn(journal),
    ];
  } finally {
    journal.close();
  }
}

function queue(unsent: number, oldestWallMs: number | null): Finding[] {
  if (unsent === 0 || oldestWallMs === null) return [say("unsent", "ok", "Nothing waits to be sent.")];
  const age = Date.now() - oldestWallMs;
  const what = `${countText(unsent, "entry waits", "entries wait")} to be sent, the oldest since ${timeText(oldestWallMs)} (${durationText(age)}).`;
  if (age < longUnsentMs) return [say("unsent", "ok", what)];
  return [
    say(
      "unsent",
      "warn",
      what,
      'Nothing is lost. See network, enrolment and duty here; without a line use "tram journal carry".',
    ),
  ];
}

function refused(others: number, conflicts: number): Finding[] {
  const found: Finding[] = [];
  if (conflicts > 0) {
    const what = `${countText(conflicts, "entry carries", "entries carry")} an id or number under which the centre has another one.`;
    found.push(
      say(
        "conflicts",
        "fail",
        what,
        'Find the second machine that runs with a copy of this data folder and stop it; then "tram journal send-again".',
      ),
    );
  }
  if (others > 0) {
    const what = `The centre refused ${countText(others, "entry", "entries")}; kept here.`;
    found.push(
      say(
        "quarantine",
        "warn",
        what,
        'See why with "tram journal list"; when the cause is mended, "tram journal send-again".',
      ),
    );
  }
  return found.length > 0 ? found : [say("quarantine", "ok", "Nothing was refused by the centre.")];
}

function ownersWayIn(journal: JournalStore): Finding[] {
  const { ownerKeys, dataKeys, withoutOwner } = journal.keyReport;
  if (dataKeys > 0 && ownerKeys.length === 0) {
    const next = 'Make one with "tram journal owner-key" and name it in "journal.ownerKey".';
    return [say("owner-key", "warn", "No owner key: losing station.key would lose what was not sent.", next)];
  }
  if (withoutOwner === 0) return [];
  return [
    say(
      "owner-key",
      "warn",
      `${withoutOwner} of ${dataKeys} data keys lack the owner's way in.`,
      "Restart the station with the owner key configured.",
    ),
  ];
}

/** Reads every row, in a program of its own that can be ended: SQLite itself cannot be interrupted here. */
async function soundness(dataDir: string): Promise<Finding[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-doctor-"));
  try {
    const answer = await verify(dataDir, folder);
    if (answer === null) {
      const what = `The whole check did not end in ${durationText(verifyWithinMs)}.`;
      return [say("sound", "unknown", what, `Run "tram journal verify --data ${dataDir}"; it may take minutes.`)];
    }
    const isLost = (fault: string): boolean => fault.endsWith(" lost by an earlier fault.");
    const lost = answer.faults.filter(isLost);
    const faults = answer.faults.filter((fault) => !isLost(fault));
    const old =
      lost.length === 0
        ? []
        : [
            say(
              "lost",
              "warn",
              `An earlier fault lost entries: ${some(lost)}`,
              "Tell the owner; these entries are at most on a backup of that day.",
            ),
          ];
    if (faults.length === 0) {
      return [
        say(
          "sound",
          "ok",
          `It is sound: every seal of ${countText(answer.rows ?? 0, "entry", "entries")} verifies, no number is missing.`,
        ),
        ...old,
      ];
    }
    const next = 'Keep the whole folder, change nothing, and call support; "tram journal verify" tells all.';
    return [say("sound", "fail", `${countText(faults.length, "fault")}: ${some(faults)}`, next), ...old];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function some(sentences: readonly string[]): string {
  const more = sentences.length - maxToldFaults;
  return `${sentences.slice(0, maxToldFaults).join(" ")}${more > 0 ? ` … and ${more} more.` : ""}`;
}

function verify(dataDir: string, temporaryFolder: string): Promise<z.infer<typeof verified> | null> {
  const args = [ownProgram(), "journal", "verify", "--data", dataDir, "--json"];
  const env = { ...process.env, TMPDIR: temporaryFolder, TEMP: temporaryFolder };
  return new Promise((resolve, reject) => {
    const limits = { timeout: verifyWithinMs, killSignal: "SIGKILL" as const, maxBuffer: 64 << 20 };
    execFile(process.execPath, args, { env, windowsHide: true, ...limits }, (error, out, err) => {
      if (error?.killed) return resolve(null);
      const line = out.split("\n").find((one) => one.startsWith("{"));
      if (line !== undefined) return resolve(verified.parse(JSON.parse(line)));
      reject(new Error(err.trim().split("\n")[0] ?? "it said nothing"));
    });
  });
}

function besideIt({ dataDir, config, agent }: Station, file: string): Finding[] {
  const found: Finding[] = [];
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (log >= heldLogBytes) {
    found.push(
      say(
        "log",
        "warn",
        `Its log has grown to ${bytesText(log)}: something reads the journal and keeps it from shrinking.`,
        'End other programs over it (a long "tram journal export", a backup program).',
      ),
    );
  }
  const runsMs = agent === null || agent.sinceMs === null ? 0 : Date.now() - agent.sinceMs;
  const wanted = (config?.journal.ballastMiB ?? 0) * 2 ** 20;
  const ballast = statSync(path.join(dataDir, ballastFile), { throwIfNoEntry: false })?.size ?? 0;
  if (wanted > 0 && ballast >= wanted)
    found.push(say("ballast", "ok", `${bytesText(ballast)} are kept back for a full disk.`));
  else if (wanted > 0 && runsMs > ballastDueMs) {
    const what = `Of ${bytesText(wanted)} kept back for a full disk ${bytesText(ballast)} are there.`;
    found.push(say("ballast", "warn", what, "Free some space; then it is made again."));
  }
  const backup = statSync(path.join(dataDir, backupFile), { throwIfNoEntry: false });
  const everyMs = (config?.journal.backupMinutes ?? 60) * 60_000;
  if (runsMs > 3 * everyMs && (backup === undefined || Date.now() - backup.mtimeMs > 3 * everyMs)) {
    const age =
      backup === undefined
        ? "There is no copy of the journal"
        : `The last copy of the journal is of ${timeText(backup.mtimeMs)}`;
    found.push(
      say(
        "backup",
        "warn",
        `${age}, although one is due every ${durationText(everyMs)}.`,
        "Free some space: a copy needs as much as the journal; the agent's log says more.",
      ),
    );
  } else if (backup !== undefined) found.push(say("backup", "ok", `Last copy ${timeText(backup.mtimeMs)}.`));
  return found;
}

/** Damaged journals that were moved aside: their rows were carried over, but somebody should know. */
function setAsideSets(dataDir: string): Finding[] {
  const folder = path.join(dataDir, setAsideFolder);
  const sets = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  if (sets.length === 0) return [];
  const next = `Have the disk checked ("smartctl -a"); when the owner agrees, move ${folder} away.`;
  return [
    say(
      "set-aside",
      "warn",
      `${countText(sets.length, "damaged journal lies", "damaged journals lie")} in ${setAsideFolder}, the last ${sets.at(-1)}.`,
      next,
    ),
  ];
}
