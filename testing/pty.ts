/**
 * A serial device made of a real pseudo-terminal: the kernel's tty layer, its chunks, locks and hang-ups.
 * What it has not: modem lines, line speed, parity, USB, udev.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { lstat, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A simulated serial device. Everything said here is said from the device's side of the cable. */
export interface PtyDevice extends AsyncDisposable {
  /** The port to open; the same before and after a replug. */
  readonly path: string;
  /** Sends bytes as the device would; resolves when they left this process. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Sends bytes in pieces of `pieceBytes`, `gapMs` apart, so that the other side sees them apart. */
  writeInPieces(bytes: Uint8Array | string, pieceBytes: number, gapMs: number): Promise<void>;
  /**
   * Sends bytes as fast as a line of `baudRate` carries them, ten bits a byte (8N1). What is due is told by the time
   * that has passed, so a busy machine sends larger pieces, never a slower line.
   */
  writeAtLineSpeed(bytes: Uint8Array | string, baudRate: number): Promise<void>;
  /** Stops taking what the port sends and fills the terminal, so that the port's next write does not end. */
  stopTaking(): Promise<void>;
  /** Everything the opened port has sent to the device since it was last plugged in. */
  received(): Buffer;
  /** Calls `listener` with whatever the port sends from now on, also after a replug: a device that answers. */
  onReceived(listener: (bytes: Buffer) => void): void;
  /** Takes the device away: the port hangs up and its path vanishes. */
  unplug(): Promise<void>;
  /** Brings it back under the same path, as a new terminal. */
  replug(): Promise<void>;
}

const START_TIMEOUT_MS = 5000;

/**
 * Makes a device, in a temporary directory unless `path` says where. Dispose it: the process ends, the link goes.
 *
 * @throws {Error} "install the Debian package socat" where that is missing.
 */
export async function createPtyDevice(path?: string): Promise<PtyDevice> {
  const directory = path === undefined ? await mkdtemp(join(tmpdir(), "pty-")) : null;
  const link = path ?? join(directory ?? "", "scanner");
  const listeners = new Set<(bytes: Buffer) => void>();
  const plugIn = async (): Promise<Socat> => {
    const started = await startSocat(link);
    started.process.stdout.on("data", (bytes: Buffer) => {
      for (const listener of listeners) listener(bytes);
    });
    return started;
  };
  let socat = await plugIn();

  const write = (bytes: Uint8Array | string): Promise<void> =>
    new Promise((resolve, reject) => {
      socat.process.stdin.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  const unplug = async (): Promise<void> => {
    await endProcess(socat.process);
    // socat removes its link when asked to stop, but this one was killed, as a cable is pulled.
    await rm(link, { force: true });
  };

  return {
    path: link,
    write,
    async writeInPieces(bytes, pieceBytes, gapMs) {
      const all = Buffer.from(bytes);
      for (let from = 0; from < all.length; from += pieceBytes) {
        if (from > 0) await pause(gapMs);
        await write(all.subarray(from, from + pieceBytes));
      }
    },
    async writeAtLineSpeed(bytes, baudRate) {
      const all = Buffer.from(bytes);
      const begunMs = performance.now();
      for (let sent = 0; sent < all.length; ) {
        await pause(1);
        const due = Math.floor(((performance.now() - begunMs) * baudRate) / 10 / 1000);
        if (due > sent) await write(all.subarray(sent, due));
        sent = Math.max(sent, due);
      }
    },
    async stopTaking() {
      socat.process.kill("SIGSTOP");
      await fillTerminal(link);
    },
    received: () => Buffer.concat(socat.received),
    onReceived: (listener) => void listeners.add(listener),
    unplug,
    async replug() {
      await unplug();
      socat = await plugIn();
    },
    async [Symbol.asyncDispose]() {
      await unplug();
      if (directory !== null) await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Socat {
  readonly process: ChildProcessWithoutNullStreams;
  readonly received: Buffer[];
}

async function startSocat(link: string): Promise<Socat> {
  await rm(link, { force: true });
  // socat ends by itself when its standard input does, so nothing is left behind if this process is killed.
  const child = spawn("socat", ["STDIO", `PTY,rawer,link=${link}`]);
  const received: Buffer[] = [];
  let said = "";
  let startError: NodeJS.ErrnoException | null = null;
  child.on("error", (error) => {
    startError = error;
  });
  child.stdin.on("error", () => {}); // The pipe of an unplugged device breaks; `write` reports it.
  child.stdout.on("data", (bytes: Buffer) => received.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });

  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await exists(link))) {
    const error = startError as NodeJS.ErrnoException | null;
    if (error?.code === "ENOENT") throw new Error("install the Debian package socat", { cause: error });
    if (error !== null || child.exitCode !== null || performance.now() > deadlineMs) {
      await endProcess(child);
      throw new Error(`socat made no terminal at ${link}: ${error?.message ?? said}`);
    }
    await pause(5);
  }
  return { process: child, received };
}

/** Writes into the terminal from the port's side until it takes no more. */
async function fillTerminal(link: string): Promise<void> {
  const terminal = await open(link, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    for (let free = true; free; ) {
      free = await terminal.write(Buffer.alloc(4096)).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === "EAGAIN") return false;
          throw error;
        },
      );
    }
  } finally {
    await terminal.close();
  }
}

async function endProcess(child: ChildProcessWithoutNullStreams): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function exists(link: string): Promise<boolean> {
  try {
    await lstat(link);
    return true;
  } catch {
    return false;
  }
}
