import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { pluggedTree } from "../../testing/plugged-tree.ts";
import { INSTALL_RULES, RULES_FILE } from "../udev-rules.ts";
import { type LinuxFindings, trapsIn } from "./linux-traps.ts";
import { lookAt, serialTraps } from "./serial-traps.ts";

const HONEYWELL = { vendorId: 0x0c2e, productId: 0x0700 };
const CH340 = { vendorId: 0x1a86, productId: 0x7523 };
const PATH = "/dev/ttyACM0";

/** A well-kept machine with a reader on /dev/ttyACM0. */
const WELL: LinuxFindings = {
  wantedPath: PATH,
  node: { path: PATH, owner: "root", group: "dialout", mode: 0o660, mayOpen: true, isUserInGroup: true },
  usb: HONEYWELL,
  userName: "kiosk",
  isModemManagerRunning: false,
  isIgnoredByModemManager: true,
  brlttyRules: "",
  areRulesInstalled: true,
  isUdevRunning: true,
};
const FORBIDDEN = { path: PATH, owner: "root", group: "dialout", mode: 0o660, mayOpen: false, isUserInGroup: false };

const told = (found: Partial<LinuxFindings>): string[] =>
  trapsIn({ ...WELL, ...found }).map(({ code, message }) => `${code}: ${message}`);

test("a machine that is well has no traps, whatever runs on it", () => {
  expect(told({})).toEqual([]);
  expect(told({ wantedPath: null, node: null, usb: null, isModemManagerRunning: true })).toEqual([]);
  expect(told({ isModemManagerRunning: true })).toEqual([]);
  expect(told({ areRulesInstalled: false, isIgnoredByModemManager: false })).toEqual([]);
});

describe("a node this user may not open", () => {
  test("names its group, whatever the distribution calls it, and the command", () => {
    expect(told({ node: FORBIDDEN })).toEqual([
      "permission: The user kiosk may not open /dev/ttyACM0 (root:dialout 0660): " +
        'run "sudo usermod -aG dialout kiosk", then log out and in again, or restart the service.',
    ]);
    expect(told({ node: { ...FORBIDDEN, group: "uucp" } })[0]).toContain("sudo usermod -aG uucp kiosk");
  });

  test("that is in the group already, since after the log-in, is told to log in again", () => {
    expect(told({ node: { ...FORBIDDEN, isUserInGroup: true } })).toEqual([
      expect.stringMatching(/^permission: .* yet, because .* group dialout: log out and in again/),
    ]);
  });

  test("that no group may open needs the rules", () => {
    for (const node of [
      { ...FORBIDDEN, group: "root" },
      { ...FORBIDDEN, mode: 0o600 },
    ]) {
      expect(told({ node })).toEqual([expect.stringContaining(INSTALL_RULES)]);
      expect(told({ node, usb: CH340 })).toEqual([expect.stringContaining('run "sudo udevadm trigger"')]);
    }
  });

  test("also tells that the rules are missing, for readers they speak of", () => {
    const codes = (usb: LinuxFindings["usb"]): string[] =>
      trapsIn({ ...WELL, node: FORBIDDEN, areRulesInstalled: false, usb }).map(({ code }) => code);
    expect(codes(HONEYWELL)).toEqual(["permission", "no-udev-rules"]);
    expect(codes(CH340)).toEqual(["permission"]);
  });

  test("on a machine without udev has nobody who would give it away", () => {
    expect(told({ node: FORBIDDEN, isUdevRunning: false, areRulesInstalled: false })).toEqual([
      expect.stringMatching(/^permission: /),
      expect.stringMatching(/^no-udevd: udev is not running.*sudo apt install udev/),
    ]);
  });
});

describe("ModemManager", () => {
  const running = { isModemManagerRunning: true, isIgnoredByModemManager: false };

  test.each([
    ["not kept off: the rules", { areRulesInstalled: false }, INSTALL_RULES],
    ["ran before the rules came: plug in again", {}, "sudo udevadm trigger"],
    ["an adapter, which no rule speaks of", { usb: CH340 }, "sudo systemctl disable --now ModemManager"],
    [
      "nothing plugged in, no rules",
      { wantedPath: null, node: null, usb: null, areRulesInstalled: false },
      INSTALL_RULES,
    ],
  ])("%s", (_case, found, command) => {
    expect(told({ ...running, ...found })).toEqual([expect.stringMatching(/^modem-manager: ModemManager is running/)]);
    expect(told({ ...running, ...found })[0]).toContain(command);
  });

  test("does not look at a real serial port", () => {
    expect(told({ ...running, usb: null })).toEqual([]);
  });
});

describe("brltty", () => {
  const brlttyRules = '# "10c4/ea60"\nENV{PRODUCT}=="1a86/7523/*", ENV{BRLTTY_BRAILLE_DRIVER}="bm"\n';

  test("takes the adapters its rules name, there or vanished", () => {
    for (const found of [{ usb: CH340 }, { wantedPath: "/dev/ttyUSB0", node: null, usb: null }]) {
      expect(told({ brlttyRules, ...found })).toEqual([
        expect.stringMatching(/^brltty: .*\(1a86:7523\).*run "sudo apt remove brltty"/),
      ]);
    }
  });

  test("leaves the others and the readers alone, also where its rules are commented out", () => {
    expect(told({ brlttyRules })).toEqual([]);
    expect(told({ brlttyRules, usb: { vendorId: 0x10c4, productId: 0xea60 } })).toEqual([]);
    expect(told({ brlttyRules: '# "1a86/7523"', usb: CH340 })).toEqual([]);
    expect(told({ brlttyRules, wantedPath: "/dev/ttyACM3", node: null, usb: null })).toEqual([]);
  });
});

test("every message is one sentence that holds a command or says what to do", () => {
  const everything = trapsIn({
    ...WELL,
    node: FORBIDDEN,
    usb: CH340,
    isModemManagerRunning: true,
    isIgnoredByModemManager: false,
    brlttyRules: "1a86/7523",
    areRulesInstalled: false,
    isUdevRunning: false,
  });
  expect(everything.map(({ code }) => code)).toEqual(["permission", "no-udevd", "modem-manager", "brltty"]);
  for (const { message } of everything) expect(message).toMatch(/^[^.]+: [^"]*"sudo [^"]+"[^.]*\.$/);
});

test("the machine is looked at: processes, groups, rules, udev's own notes", async () => {
  using tree = pluggedTree();
  tree.plugIn({ port: "1-1", vendor: "0c2e", product: "0700", interfaces: [{ serial: "ttyACM0" }] });
  const root = dirname(tree.dev);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const look = (): Promise<LinuxFindings> => lookAt(join(tree.dev, "ttyACM0"), root);
  expect(await look()).toMatchObject({
    usb: HONEYWELL,
    isModemManagerRunning: false,
    isIgnoredByModemManager: false,
    brlttyRules: "",
    areRulesInstalled: false,
    isUdevRunning: false,
  });

  write("etc/group", `kiosk:x:99999:\ndialout:x:${process.getgid?.()}:`);
  write("proc/77/comm", "ModemManager\n");
  write("proc/self/comm", "node\n");
  write("sys/class/tty/ttyACM0/dev", "166:0\n");
  write("run/udev/data/c166:0", "I:123\nE:ID_MM_DEVICE_IGNORE=1\n");
  write("run/udev/control", "");
  write("usr/lib/udev/rules.d/85-brltty.rules", "1a86/7523");
  write(`.${RULES_FILE}`, "# ours");
  expect(await look()).toMatchObject({
    node: { group: "dialout", mayOpen: true },
    isModemManagerRunning: true,
    isIgnoredByModemManager: true,
    brlttyRules: "1a86/7523",
    areRulesInstalled: true,
    isUdevRunning: true,
  });

  // An administrator masks a packaged rule by a link to nothing.
  symlinkSync("/dev/null", join(root, "etc/udev/rules.d/85-brltty.rules"));
  expect(await look()).toMatchObject({ brlttyRules: "" });
  expect(await lookAt(join(tree.dev, "ttyACM9"), root)).toMatchObject({ node: null, usb: null });
});

test("a look at this very machine never rejects", async () => {
  for (const path of [null, "/dev/ttyNOPE", "/dev/null"]) expect(await serialTraps(path)).toBeInstanceOf(Array);
});
