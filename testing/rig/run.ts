/**
 * Starts the virtual machine and runs tests in it: `node testing/rig/run.ts FOLDER [FILE...] [--OPTION...]`, where FOLDER
 * is what `bin/test-rig.mjs` made, the files are all `*.rig.ts` unless named, and options go to `node --test`. Leaves the
 * exit status of the tests.
 *
 * The machine has this one's files, read-only under a layer of memory, so the project, its libraries and Node are simply
 * there. It has no network but loopback, a USB controller, and QEMU's own monitor at hand: a test plugs an emulated
 * device in and out by it. No rights are needed; what this user may not read is not there.
 */
import { spawn } from "node:child_process";
import {
  accessSync,
  constants,
  copyFileSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";

/** The tests take about 90 s; past this something hangs. */
const TIME_LIMIT_MS = 600_000;
const MEMORY = "2G";
/**
 * An emulated machine has a clock of its own: an instruction takes 1 ns, which makes it slower than any station's
 * computer, and what is measured in it does not depend on what else this machine is busy with.
 */
const EMULATED = ["-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max"];
const ACCELERATED = ["-accel", "kvm", "-cpu", "host"];

const [folder = "", ...rest] = process.argv.slice(2);
const options = rest.filter((each) => each.startsWith("--"));
const files = rest.filter((each) => !each.startsWith("--"));
const here = import.meta.dirname;
const exchange = mkdtempSync(path.join(tmpdir(), "tram-rig-"));
process.on("exit", () => rmSync(exchange, { recursive: true, force: true }));

const tests = files.length > 0 ? files : globSync("testing/rig/*.rig.ts").toSorted();
// One process for all files: in the emulated machine Node takes seconds to start.
const command = [process.execPath, "--test", "--test-isolation=none", "--test-reporter=spec", ...options, ...tests];
writeFileSync(
  path.join(exchange, "command"),
  [
    `cd ${quoted(process.cwd())}`,
    `export PATH=${quoted(process.env.PATH ?? "")} HOME=/root LANG=C.UTF-8 FORCE_COLOR=0`,
    `exec ${command.map(quoted).join(" ")}`,
  ].join("\n"),
);
writeFileSync(path.join(exchange, "modules"), path.join(folder, "modules"));
copyFileSync(path.join(here, "guest.sh"), path.join(exchange, "guest.sh"));

const startedMs = performance.now();
const machine = spawn("qemu-system-x86_64", machineArguments(), {
  stdio: ["ignore", "pipe", "inherit"],
  timeout: TIME_LIMIT_MS,
  killSignal: "SIGKILL",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => machine.kill("SIGKILL"));
readline.createInterface({ input: machine.stdout }).on("line", (line) => process.stdout.write(`${line}\n`));
machine.on("close", (_code, signal) => {
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const status = statusLeft();
  process.stdout.write(`rig: ended after ${seconds} s\n`);
  if (status === null) {
    const why = signal === null ? "it ended by itself (see above)" : `it was stopped after ${seconds} s`;
    process.stderr.write(`The rig's machine left no result: ${why}.\n`);
  }
  process.exitCode = status ?? 125;
});

function machineArguments(): string[] {
  const socket = (name: string): string => path.join(exchange, name);
  // QEMU talks to itself: what a test writes to a port of the machine comes to the monitor, or out of the cable.
  const portTo = (name: string): string[][] => [
    ["-chardev", `socket,id=${name},path=${socket(name)},server=on,wait=off`],
    ["-chardev", `socket,id=${name}-port,path=${socket(name)}`],
    ["-device", `virtserialport,chardev=${name}-port,name=rig.${name}`],
  ];
  return [
    hasHardwareHelp() ? ACCELERATED : EMULATED,
    ["-m", MEMORY, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"],
    ["-kernel", path.join(folder, "kernel"), "-initrd", path.join(folder, "initrd")],
    ["-append", "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off 8250.nr_uarts=1"],
    ["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"],
    ["-device", "virtio-9p-pci,fsdev=root,mount_tag=root"],
    ["-fsdev", `local,id=exchange,path=${exchange},security_model=none`],
    ["-device", "virtio-9p-pci,fsdev=exchange,mount_tag=exchange"],
    ["-device", "qemu-xhci,id=usb", "-device", "virtio-serial-pci"],
    ...portTo("monitor"),
    ["-mon", "chardev=monitor,mode=control"],
    ...portTo("cable"),
  ].flat();
}

/** A `/dev/kvm` without vmx or svm emulates every instruction of an ordinary kernel and never gets anywhere. */
function hasHardwareHelp(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return /\b(vmx|svm)\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return false;
  }
}

function statusLeft(): number | null {
  try {
    return Number.parseInt(readFileSync(path.join(exchange, "status"), "utf8"), 10);
  } catch {
    return null;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
