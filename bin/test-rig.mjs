// What the virtual-hardware rig needs, made once and kept in the user's cache folder: Debian's own kernel, the few
// modules that readers meet, and a first file system to start from. The kernel is fetched by apt, which checks its
// signature, and unpacked; it is never installed. Whatever is missing ends this with one sentence.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { fail, root } from "./setup.mjs";
import { ensurePackages, onPath } from "./test-tools.mjs";

const AGAIN = "npm run test:rig";
/** The download, the unpacked tree and what is kept of it, at their largest. */
const NEEDED_BYTES = 700e6;
const DOWNLOAD_TIMEOUT_MS = 300_000;

const tools = [
  { debianPackage: "qemu-system-x86", found: () => onPath("qemu-system-x86_64") },
  { debianPackage: "busybox-static", found: () => onPath("busybox") },
  { debianPackage: "udev", found: () => onPath("udevadm") },
  { debianPackage: "kmod", found: () => onPath("depmod") },
  { debianPackage: "xz-utils", found: () => onPath("xz") },
];

/** Needed before the host's file system is there. */
const EARLY_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];
/** What readers are to the kernel, and the hardware behind the cable. */
const LATE_MODULES =
  "uhid hid-generic usbhid evdev cdc-acm ftdi_sio xhci-pci dummy_hcd libcomposite usb_f_acm usb_f_hid virtio_console".split(
    " ",
  );

/** Makes the rig ready and returns its folder: `kernel`, `initrd` and `modules/RELEASE`. */
export function ensureRig() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    fail(
      `The rig starts a virtual PC with Linux: it runs on Linux on x86-64 only, this is ${os.type()} on ${os.arch()}.`,
    );
  }
  ensurePackages(tools, AGAIN);
  const folder = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "tram-qr-rig");
  const ready = path.join(folder, "ready");
  if (!existsSync(ready) || readFileSync(ready, "utf8") !== recipe()) make(folder);
  return folder;
}

/** Changes with everything the folder is made from, but not with the kernel: an older one does as well. */
function recipe() {
  const files = [fileURLToPath(import.meta.url), firstProgram];
  return createHash("sha256")
    .update(files.map((file) => readFileSync(file, "utf8")).join("\0"))
    .digest("hex");
}

const firstProgram = path.join(root, "testing", "rig", "init");

/** Makes the folder beside its place and moves it there whole. */
function make(folder) {
  const startedMs = Date.now();
  try {
    mkdirSync(path.dirname(folder), { recursive: true });
    accessSync(path.dirname(folder), constants.W_OK);
  } catch {
    fail(`The rig cannot keep its kernel in ${path.dirname(folder)}: set XDG_CACHE_HOME to a folder of your own.`);
  }
  const { bavail, bsize } = statfsSync(path.dirname(folder));
  if (bavail * bsize < NEEDED_BYTES) {
    fail(`The rig needs ${NEEDED_BYTES / 1e6} MB in ${path.dirname(folder)}: free some, or set XDG_CACHE_HOME.`);
  }
  const work = mkdtempSync(`${folder}-`);
  process.on("exit", () => rmSync(work, { recursive: true, force: true }));
  const kernelPackage = downloadKernel(work);
  const tree = path.join(work, "tree");
  run("dpkg-deb", ["--extract", path.join(work, "kernel.deb"), tree]);
  const made = path.join(work, "made");
  const [release] = readdirSync(path.join(tree, "lib", "modules"));
  const files = takeModules(tree, release, made);
  takeKernel(path.join(tree, "boot", `vmlinuz-${release}`), path.join(made, "kernel"));
  makeFirstFileSystem(path.join(work, "first"), files, path.join(made, "initrd"));
  writeFileSync(path.join(made, "ready"), recipe());
  rmSync(folder, { recursive: true, force: true });
  renameSync(made, folder);
  process.stderr.write(
    `${kernelPackage} is ready in ${folder} after ${Math.round((Date.now() - startedMs) / 1000)} s.\n`,
  );
}

/** Old kernels leave the archive, so the name is what Debian's meta package depends on today. */
function downloadKernel(work) {
  const find = () =>
    /^\s*Depends: (linux-image-\S+)/m.exec(run("apt-cache", ["depends", "linux-image-amd64"], {}, false))?.[1];
  let name = find();
  if (name === undefined && process.getuid() === 0) {
    run("apt-get", ["-qq", "update"]);
    name = find();
  }
  if (name === undefined)
    fail(`apt knows no linux-image-amd64, Debian's kernel: run "sudo apt-get update" on Debian, then ${AGAIN} again.`);
  process.stderr.write(`Fetching ${name} for the rig (about 70 MB, once)...\n`);
  // As root apt fetches as a user of its own, who may not enter the folder.
  run("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", name], {
    cwd: work,
    timeout: DOWNLOAD_TIMEOUT_MS,
  });
  const [file] = readdirSync(work).filter((each) => each.endsWith(".deb"));
  renameSync(path.join(work, file), path.join(work, "kernel.deb"));
  return name;
}

/** Copies the modules with all they depend on; returns the early ones' files in the order they load. */
function takeModules(tree, release, made) {
  run("depmod", ["--basedir", tree, release]);
  const source = path.join(tree, "lib", "modules", release);
  const target = path.join(made, "modules", release);
  const order = (name) =>
    run("modprobe", ["--dirname", tree, "--set-version", release, "--show-depends", name])
      .split("\n")
      .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
      .map((file) => path.relative(path.resolve(source), path.resolve(file)));
  const early = new Set(EARLY_MODULES.flatMap(order));
  for (const file of new Set([...early, ...LATE_MODULES.flatMap(order)])) {
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    copyFileSync(path.join(source, file), path.join(target, file));
    if (file.endsWith(".xz")) run("xz", ["-d", path.join(target, file)]);
  }
  for (const file of ["modules.order", "modules.builtin", "modules.builtin.modinfo"]) {
    copyFileSync(path.join(source, file), path.join(target, file));
  }
  // depmod wants the modules where a system has them.
  const system = path.join(made, "..", "system");
  mkdirSync(path.join(system, "lib"), { recursive: true });
  renameSync(path.join(made, "modules"), path.join(system, "lib", "modules"));
  run("depmod", ["--basedir", system, release]);
  renameSync(path.join(system, "lib", "modules"), path.join(made, "modules"));
  return [...early].map((file) => path.join(target, file.replace(/\.xz$/, "")));
}

/**
 * Takes the kernel proper out of its self-unpacking file: it starts at once (PVH), unpacking itself in an emulated
 * machine costs three seconds each time. Offsets: Linux/x86 boot protocol, setup_sects, payload_offset, payload_length;
 * the payload ends with its unpacked size.
 */
function takeKernel(packed, kernel) {
  const bytes = readFileSync(packed);
  const from = (bytes.readUInt8(0x1f1) + 1) * 512 + bytes.readUInt32LE(0x248);
  const input = bytes.subarray(from, from + bytes.readUInt32LE(0x24c) - 4);
  const { stdout, stderr } = spawnSync("xz", ["-dc"], { input, maxBuffer: 500e6 });
  if (stdout?.subarray(0, 4).toString("latin1") !== "\x7fELF")
    fail(`The rig's kernel could not be unpacked: ${String(stderr)}`);
  writeFileSync(kernel, stdout);
}

function makeFirstFileSystem(folder, modules, initrd) {
  for (const name of ["bin", "modules", "proc", "sys", "dev", "host", "layer", "new"]) {
    mkdirSync(path.join(folder, name), { recursive: true });
  }
  const busybox = run("which", ["busybox"]).trim();
  copyFileSync(busybox, path.join(folder, "bin", "busybox"));
  copyFileSync(firstProgram, path.join(folder, "init"));
  for (const file of modules) copyFileSync(file, path.join(folder, "modules", path.basename(file)));
  writeFileSync(path.join(folder, "modules", "order"), `${modules.map((file) => path.basename(file)).join("\n")}\n`);
  const names = readdirSync(folder, { recursive: true }).join("\n");
  const packed = spawnSync("busybox", ["cpio", "-o", "-H", "newc"], { cwd: folder, input: names, maxBuffer: 500e6 });
  if (packed.status !== 0) fail(`The rig's first file system could not be packed: ${String(packed.stderr)}`);
  writeFileSync(initrd, packed.stdout);
}

/** Runs a program and returns what it printed; when it fails, ends with its name and what it said. */
function run(program, args, options = {}, mustSucceed = true) {
  const env = { ...process.env, LC_ALL: "C", PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const result = spawnSync(program, args, { encoding: "utf8", env, maxBuffer: 500e6, ...options });
  if (mustSucceed && result.status !== 0) {
    const said = (result.error?.message ?? result.stderr).trim().split("\n").at(-1);
    fail(`The rig could not be set up: ${program} ${args[0]} failed (${said || "without a word"}).`);
  }
  return result.stdout ?? "";
}
