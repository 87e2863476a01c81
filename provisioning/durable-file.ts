import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import path from "node:path";

/**
 * Replaces a small file so that after a power cut it is either the old or the new one, whole: write aside, fsync,
 * rename, fsync the folder. `mode` is the permission of a new file.
 */
export function writeDurably(file: string, content: string | Uint8Array, mode = 0o600): void {
  const aside = `${file}.new`;
  const descriptor = openSync(aside, "w", mode);
  try {
    const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(aside, file);
  syncFolder(path.dirname(file));
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
