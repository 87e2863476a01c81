import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A FIFO in the place of an input device. */
export interface FakeInputDevice extends Disposable {
  readonly path: string;
  /** Writes what the kernel would tell of keys (`input-events.ts`). */
  write(events: Uint8Array): void;
  /** Reading fails with ENODEV from the next event on. */
  unplug(): void;
  /** Taking it for oneself fails with this error number from now on. */
  refuse(errno: number): void;
}

/**
 * Makes one in `folder`. Perl itself, started with this process's environment, is told to say yes to EVIOCGRAB on it and to
 * meet ENODEV once it is unplugged; the program it runs is the product's, word for word.
 */
export function createFakeInputDevice(folder: string): FakeInputDevice {
  const environment = { ...process.env };
  const path = join(folder, "event0");
  const module = join(folder, "lib", "FakeDevice.pm");
  execFileSync("mkfifo", [path]);
  const device = openSync(path, "r+");
  mkdirSync(join(folder, "lib"));
  writeFileSync(
    module,
    `package FakeDevice;
BEGIN {
  *CORE::GLOBAL::ioctl = sub (*$$) { $_[1] == 0x40044590 && $_[2] == 1 or do { $! = 22; return undef }; return 1 };
  *CORE::GLOBAL::sysread = sub (*\\$$;$) {
    if (-e '${folder}/gone') { $! = 19; return undef }
    CORE::sysread($_[0], \${$_[1]}, $_[2]);
  };
}
1;`,
  );
  process.env.PERL5LIB = join(folder, "lib");
  process.env.PERL5OPT = "-MFakeDevice";
  return {
    path,
    write: (events) => void writeSync(device, events),
    unplug: () => writeFileSync(join(folder, "gone"), ""),
    refuse: (errno) =>
      writeFileSync(
        module,
        `package FakeDevice; BEGIN { *CORE::GLOBAL::ioctl = sub (*$$) { $! = ${errno}; undef } } 1;`,
      ),
    [Symbol.dispose]() {
      process.env = environment;
      closeSync(device);
    },
  };
}
