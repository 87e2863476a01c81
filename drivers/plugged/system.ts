/** The devices of this machine: what is plugged in, and where a USB address is today. */
import { watch } from "node:fs";
import { type LinuxRoots, pluggedOnLinux, USB_SERIAL_NODE } from "./linux.ts";
import type { PluggedDevice } from "./plugged-device.ts";
import { createLibraryLister } from "./windows.ts";

/** Where plugged devices are looked up and their coming and going is noticed. */
export interface PluggedSystem {
  /** Everything plugged in now, ordered by address. Never rejects. */
  list(): Promise<readonly PluggedDevice[]>;
  /** Calls `onHint` whenever something may have been plugged in or out, until disposed. Hints may be missing. */
  hints(onHint: () => void): Disposable;
  /** A look without a hint, in case one was missing. */
  readonly lookEveryMs: number;
}

/** This machine. */
export function thisMachine(): PluggedSystem {
  return process.platform === "linux" ? linuxSystem({ sys: "/sys", dev: "/dev" }) : polledSystem();
}

/** A Linux system with these roots. The kernel makes and removes the nodes itself, so the folders tell at once. */
export function linuxSystem(roots: LinuxRoots): PluggedSystem {
  return {
    list: () => pluggedOnLinux(roots),
    hints: (onHint) => watchFolders([roots.dev, `${roots.dev}/input`], onHint),
    lookEveryMs: 10_000,
  };
}

/** Neither library tells of plugging; looking more often than this slows a HID reader down (node-hid PR #272). */
function polledSystem(): PluggedSystem {
  return { list: createLibraryLister(), hints: () => ({ [Symbol.dispose]: () => {} }), lookEveryMs: 2000 };
}

/** Names of nodes a reader may have; the rest of /dev comes and goes all day. */
const READER_NODE = /^(hidraw|event|input)/;

/** Watches folders, also one that is made later inside a watched one: /dev/input goes with the last device in it. */
function watchFolders(folders: readonly string[], onHint: () => void): Disposable {
  const watchers = new Map<string, ReturnType<typeof watch>>();
  const forget = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const arm = (): void => {
    for (const folder of folders.filter((one) => !watchers.has(one))) {
      try {
        const watcher = watch(folder, (_event, name) => {
          if (name === null || !(READER_NODE.test(name) || USB_SERIAL_NODE.test(name))) return;
          // A folder that was made anew has nothing of the old watch.
          if (name === "input") forget(`${folder}/input`);
          arm();
          onHint();
        });
        watcher.on("error", () => forget(folder));
        watchers.set(folder, watcher);
      } catch {
        // Not there yet, or no more watches to be had: the regular look remains.
      }
    }
  };
  arm();
  return {
    [Symbol.dispose]() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
