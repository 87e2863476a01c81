import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import path from "node:path";

/**
 * Replaces a small file so that after a power cut it is either the old or the new one, whole: write aside, fsync,
 * rename, fsync the folder. `mode` is the permission of a new file.
 */
export function writeDurably(file: string, content: string | Uint8Array, mode = 0o600): void {
  const aside = `${file}.new`;
  const descriptor = createAside(aside, mode);
  try {
    writeWhole(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  putInPlace(aside, file);
}

/** Puts a whole and synced file in the place of `file`; both are in one folder. */
export function putInPlace(aside: string, file: string): void {
  renameSync(aside, file);
  syncFolder(path.dirname(path.resolve(file)));
}

/** Brings a file that another program or library has written to the disk. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens a file of our own for writing, in place of what a kill left there or somebody laid in the way: a link on a stick
 * is not followed, and the permissions of another's file are not taken over.
 */
export function createAside(file: string, mode: number): number {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return openSync(file, "wx", mode);
}

/** A disk that is nearly full takes a part without complaint: the rest is written too, or it throws. */
export function writeWhole(descriptor: number, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

/** Makes a rename or a new file in `folder` durable; Windows has no such call and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
