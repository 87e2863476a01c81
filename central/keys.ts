import { createHmac, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { CentralFault, codeOf } from "./fault.ts";

/** Keys of one installation, each derived for one purpose (RFC 5869) so that none stands in for another. */
export interface CentralKeys {
  /** AES-256-GCM of personal columns. */
  readonly seal: Buffer;
  /** AES-256 of list cursors. */
  readonly cursor: Buffer;
  /** Seed of the Ed25519 key that signs codes. */
  readonly codes: Buffer;
  /** A short text that is the same for the same purpose and value, and tells nothing without the key file. */
  tag(purpose: TagPurpose, value: string): string;
}

export type TagPurpose =
  | "phone"
  | "person"
  | "otp"
  | "entry-content"
  | "checkpoint-content"
  | "staff-content"
  | "subject-content"
  | "next-token"
  | "user-code"
  | "device-code"
  | "invitation"
  | "key-check";

const keyBytes = 32;

/** Where the key file of a database lies. */
export function keyPathOf(databasePath: string): string {
  return join(dirname(databasePath), "central.key");
}

/**
 * Reads the key file next to the database and makes it at the first run.
 * @throws CentralFault when it is damaged, readable by others, or missing beside an existing database.
 */
export function openKeys(databasePath: string): CentralKeys {
  const path = keyPathOf(databasePath);
  if (!existsSync(path)) {
    if (existsSync(databasePath)) {
      throw new CentralFault(
        `The key file ${path} is missing and the database cannot be read without it: put the key file back from your backup.`,
      );
    }
    createKeyFile(path);
  }
  return keysFrom(readKeyFile(path));
}

function createKeyFile(path: string): void {
  // Written beside and renamed: a crash half-way must not leave an empty key file behind.
  const unfinished = `${path}.new`;
  try {
    rmSync(unfinished, { force: true });
    const file = openSync(unfinished, "wx", 0o400);
    try {
      writeSync(file, `${randomBytes(keyBytes).toString("hex")}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
    syncFolder(dirname(path));
  } catch (cause) {
    throw new CentralFault(
      `Cannot write the key file ${path} (${codeOf(cause)}): give this user write access to the folder.`,
      { cause },
    );
  }
}

/** Windows cannot open a folder; there the file's own sync has to do. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function readKeyFile(path: string): Buffer {
  let text: string;
  try {
    const shared = process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
    if (shared) {
      throw new CentralFault(`The key file ${path} can be read by other users: run chmod 400 on it and start again.`);
    }
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    if (cause instanceof CentralFault) throw cause;
    throw new CentralFault(`Cannot read the key file ${path} (${codeOf(cause)}): give this user read access to it.`, {
      cause,
    });
  }
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CentralFault(`The key file ${path} is damaged: put it back from your backup.`);
  }
  return Buffer.from(text, "hex");
}

/** All keys of an installation from its one secret of 32 bytes. */
export function keysFrom(secret: Buffer): CentralKeys {
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), `tram-qr/central/${purpose}`, keyBytes));
  // Key objects: a key given as bytes is made into one anew at every call.
  const tagKeys = new Map<TagPurpose, KeyObject>();
  const tagKey = (purpose: TagPurpose): KeyObject => {
    const known = tagKeys.get(purpose);
    if (known) return known;
    const made = createSecretKey(derive(`tag/${purpose}`));
    tagKeys.set(purpose, made);
    return made;
  };
  return {
    seal: derive("seal"),
    cursor: derive("cursor"),
    codes: derive("codes"),
    tag: (purpose, value) => createHmac("sha256", tagKey(purpose)).update(value, "utf8").digest("base64url"),
  };
}
