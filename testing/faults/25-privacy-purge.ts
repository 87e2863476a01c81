import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { backupFile } from "../../agent/journal/set-aside.ts";
import { until } from "../until.ts";
import { damagedStation, holdCards } from "./damaged-station.ts";
import type { Control, Effort, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { notInTime, together } from "./oracle.ts";
import { choosePin, signInAtScreen, staffPhone } from "./signed-in.ts";
import { readStoredJournal } from "./stored-journal.ts";

const delivered = 40;
/** Long enough to be nowhere by chance. */
const pin = "83017264";
/** As much of it as base64 writes without padding. */
const pemHead = "-----BEGIN PRIVATE KE";
const recoverWithinMs = 60_000;
const crashes: Record<Effort, number> = { fast: 2, full: 12 };

/** Every file below a folder, whole. */
function filesBelow(folder: string): { name: string; bytes: Buffer }[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => path.join(folder, String(name)))
    .filter((file) => existsSync(file) && statSync(file).isFile())
    .map((file) => ({ name: path.relative(folder, file), bytes: readFileSync(file) }));
}

/** Sealed parts as they lie on the disk: whoever has the key reads the card out of them. */
function sealedParts(dataDir: string): Map<string, Buffer> {
  return new Map(readStoredJournal(dataDir).entries.map(({ id }) => [id, Buffer.from(id, "utf8")]));
}

/** Records, delivers, erases with crashes in between; then looks for what should be gone, and for any card in clear. */
async function purge(effort: Effort, program: string, patienceMs: number): Promise<FaultOutcome> {
  await using made = await damagedStation(program, { journal: { keepStoredHours: 0, backupMinutes: 0.05 } });
  const { station, oracle, centre } = made;
  let agent = await station.start();
  await signInAtScreen(agent);
  await choosePin(agent, pin);
  const ofStaff = new Map([
    ["the PIN", pin],
    ["the staff's phone", staffPhone],
    // Beginning of every token that this centre issues.
    ["an access token", "access-"],
    ["a refresh token", "refresh-"],
    ["a private key", pemHead],
    ["a private key, as base64,", Buffer.from(pemHead).toString("base64")],
  ]);
  await centre.down();
  await holdCards(agent, oracle, delivered);
  const cards = [...readStoredJournal(station.dataDir).entries];
  const sealed = sealedParts(station.dataDir);
  await centre.up();
  for (let crash = 0; crash < crashes[effort]; crash++) {
    await until(
      "something is erased",
      () => (readStoredJournal(station.dataDir).erased?.size ?? 0) > crash,
      recoverWithinMs,
    ).catch(() => {});
    await agent.kill();
    agent = await station.start();
  }
  const late = await notInTime(
    "everything delivered is erased",
    () => readStoredJournal(station.dataDir).erased?.size === delivered,
    patienceMs,
  );
  // What the centre does not have stays, whatever is erased around it.
  await centre.down();
  await holdCards(agent, oracle, 3);
  const before = statSync(path.join(station.dataDir, backupFile), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  late.push(
    ...(await notInTime(
      "a backup is made after the erasing",
      () => (statSync(path.join(station.dataDir, backupFile), { throwIfNoEntry: false })?.mtimeMs ?? 0) > before,
      patienceMs,
    )),
  );
  const leaks: string[] = [];
  const left: string[] = [];
  const look = (): void => {
    const files = filesBelow(station.dataDir).filter(({ name }) => !name.startsWith("journal.ballast"));
    for (const { name, bytes } of [...files, { name: "the log", bytes: readFileSync(station.logFile) }]) {
      for (const { body } of cards) {
        const clear = Buffer.from(body.rawB64, "base64");
        if (bytes.includes(clear) || bytes.includes(body.rawB64)) leaks.push(`a card stands in clear in ${name}`);
      }
      for (const [what, text] of ofStaff) if (bytes.includes(text)) leaks.push(`${what} stands in clear in ${name}`);
    }
    for (const name of ["journal.db", "journal.db-wal", backupFile]) {
      const bytes = files.find((file) => file.name === name)?.bytes ?? Buffer.alloc(0);
      // A row is its id and its sealed part side by side; the tombstone has the id without them.
      for (const [id, mark] of sealed) {
        for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
          if (bytes.subarray(at, at + 400).includes("page:typed")) left.push(`the row ${id} is still in ${name}`);
        }
      }
    }
  };
  const gone = await notInTime(
    "nothing of what was erased is left",
    () => {
      leaks.length = 0;
      left.length = 0;
      look();
      return left.length === 0;
    },
    patienceMs,
  );
  await agent.stop();
  const journal = readStoredJournal(station.dataDir);
  return {
    counts: { erased: journal.erased?.size ?? 0, crashes: crashes[effort], files: filesBelow(station.dataDir).length },
    judged: together(oracle.judge({ journal, centre }), {
      I1: [...oracle.acceptedIds]
        .filter((id) => !centre.stored.has(id) && !journal.entries.some((row) => row.id === id))
        .map((id) => `${id} was erased before it was delivered`),
      I6: late,
      I7: leaks,
      I10: [...gone, ...left],
    }),
  };
}

function control(name: string, breaks: Control["breaks"], mutation: Mutation) {
  return {
    without: name,
    breaks,
    mutations: [mutation],
    run: (program: string, effort: Effort) => purge(effort, program, 10_000),
  };
}

export const fault: Fault = {
  number: 25,
  name: "privacy and purge",
  everyCommit: false,
  run: (effort) => purge(effort, builtProgram, recoverWithinMs),
  controls: [
    // The embedded centre sets the same pragma.
    control("secure_delete", ["I10"], {
      text: '"secure_delete",\n\t\t"ON",\n\t\t1\n',
      by: '"secure_delete",\n\t\t"OFF",\n\t\t0\n',
      times: 2,
    }),
    control("sealing the sign-ins", ["I7"], {
      text: 'seal(this.#key, Buffer.from(JSON.stringify(content), "utf8"), place',
      by: '((_key, plain, _place) => plain)(this.#key, Buffer.from(JSON.stringify(content), "utf8"), place',
      times: 1,
    }),
    control("sealing the device key", ["I7"], {
      text: 'Buffer.from(seal(sealing, Buffer.from(pem, "utf8"), place',
      by: 'Buffer.from(((_key, plain, _place) => plain)(sealing, Buffer.from(pem, "utf8"), place',
      times: 1,
    }),
    control("sparing what the centre does not have", ["I1"], {
      text: "WHERE stored_age_ms <= ? AND state IN (1, 3) ORDER BY stored_age_ms LIMIT ?",
      by: "WHERE coalesce(stored_age_ms, 0) <= ? ORDER BY stored_age_ms LIMIT ?",
      times: 1,
    }),
  ],
};
