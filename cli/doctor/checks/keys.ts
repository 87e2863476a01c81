import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { backendOf, deviceKeyFile } from "../../../agent/device-key.ts";
import { loadOwnerKey } from "../../../provisioning/owner-key.ts";
import { keyBackend, loadStationKeys } from "../../../provisioning/secrets.ts";
import { isExpected } from "../../failure.ts";
import { type Finding, findingsOf, fromSentence } from "../report.ts";
import type { Station } from "../station.ts";

const say = findingsOf("keys");

/** The station's key, what guards it, and the owner's way in. No key is printed, only which one it is. */
export function checkKeys({ dataDir, config }: Station): Finding[] {
  const file = path.join(dataDir, "station.key");
  if (!existsSync(file) && !existsSync(path.join(dataDir, "journal.db"))) {
    return [
      say("station", "warn", "There is no station key yet.", "It is made when the station starts for the first time."),
    ];
  }
  return [...stationKey(file), ...deviceKey(path.join(dataDir, deviceKeyFile)), ...ownerKey(config?.journal.ownerKey)];
}

function stationKey(file: string): Finding[] {
  try {
    loadStationKeys(file, false);
  } catch (fault) {
    if (isExpected(fault)) return [fromSentence(say, "station", "fail", fault.message)];
    const code = (fault as NodeJS.ErrnoException).code ?? String(fault);
    return [
      say(
        "station",
        "fail",
        `The key ${file} cannot be read (${code}).`,
        `Give it back to the user of the station: "chown" and "chmod 400 ${file}".`,
      ),
    ];
  }
  const mode = statSync(file).mode & 0o777;
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    const what = `Other users may read ${file} (mode ${mode.toString(8).padStart(4, "0")}): who copies it opens the journal.`;
    return [say("station", "fail", what, `Run "chmod 400 ${file}".`)];
  }
  return [say("station", "ok", `station.key is whole and its user's alone; guarded by: ${keyBackend}.`)];
}

/** By it the centre knows this machine. */
function deviceKey(file: string): Finding[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) {
    return [
      say(
        "device",
        "warn",
        "There is no device key yet.",
        "It is made when the station starts; then it must be enrolled.",
      ),
    ];
  }
  const backend = backendOf(file);
  if (backend === null) {
    const next = "Put it back from your backup, or delete it and enrol this machine anew.";
    return [say("device", "fail", `The device key ${file} cannot be read.`, next)];
  }
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    return [say("device", "fail", `Other users may read ${file}.`, `Run "chmod 400 ${file}".`)];
  }
  return [say("device", "ok", `The device key is sealed; guarded by: ${backend}.`)];
}

function ownerKey(file: string | undefined): Finding[] {
  if (file === undefined) return [];
  try {
    const { fingerprint } = loadOwnerKey(file);
    return [say("owner", "ok", `The owner's public key ${fingerprint} is configured.`)];
  } catch (fault) {
    if (!isExpected(fault)) throw fault;
    return [fromSentence(say, "owner", "fail", fault.message)];
  }
}
