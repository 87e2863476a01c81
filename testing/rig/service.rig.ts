import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { test } from "node:test";
import { SAMPLES } from "../../agent/codes/samples.ts";
import { RULES_FILE, udevRules } from "../../drivers/udev-rules.ts";
import { scanReports } from "../hid-pos-reports.ts";
import { until } from "../until.ts";
import { createHidDevice } from "./hid-device.ts";
import { honeywell, idOf, wedge } from "./rig-readers.ts";
import { typedReports } from "./typed-reports.ts";
import { createUsbGadget } from "./usb-gadget.ts";
import { PATIENCE_MS } from "./watched-readers.ts";

/** The kernel makes a node at once, for root alone; this keeps udev busy with it as a machine that just starts does. */
const SLOW_RULE = 'SUBSYSTEM=="hidraw|tty", ATTRS{idVendor}=="0c2e|05f9", ACTION=="add", PROGRAM=="/bin/sleep 0.8"\n';
const SLOW_RULE_FILE = path.join(path.dirname(RULES_FILE), "60-slow.rules");

// One story told in order, with one program: it takes Node seconds to start in the emulated machine.
test("a service without rights of its own", async (t) => {
  const hidId = "hid:usb:0c2e:0b61:RIG-H2";
  const serialId = "serial:usb:05f9:4204:RIG-D2";
  const keyboardId = idOf(wedge, "evdev");
  using hid = createUsbGadget(
    {
      vendor: "0c2e",
      product: "0b61",
      maker: "Honeywell",
      model: "Rig 3310",
      serialNumber: "RIG-H2",
      descriptor: honeywell.descriptor,
    },
    0,
  );
  using serial = createUsbGadget(
    { vendor: "05f9", product: "4204", maker: "Datalogic", model: "Rig Gryphon", serialNumber: "RIG-D2" },
    1,
  );
  await using keyboard = await createHidDevice(wedge);
  const rights = ["--reuid=nobody", "--regid=nogroup", "--groups=plugdev,dialout,input"];
  const program = path.join(import.meta.dirname, "reading-program.ts");
  for (const file of [program, process.execPath]) letPass(path.dirname(file));
  const service = spawn("setpriv", [...rights, "--", process.execPath, program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => {
    service.kill("SIGKILL");
    for (const file of [RULES_FILE, SLOW_RULE_FILE]) rmSync(file, { force: true });
    execFileSync("udevadm", ["control", "--reload"]);
  });
  const lines: string[] = [];
  readline.createInterface({ input: service.stdout }).on("line", (line) => lines.push(line));
  const says = (line: string): Promise<boolean> => until(line, () => lines.includes(line), PATIENCE_MS);
  await says("started");

  await t.test("is told what it lacks while no rule permits its reader", async () => {
    hid.plug();
    await says(`${hidId} fault reader.permission`);
    hid.unplug();
    await says(`${hidId} gone`);
  });

  await t.test("reads in every mode with our udev rules, which come after the node", async () => {
    mkdirSync(path.dirname(RULES_FILE), { recursive: true });
    writeFileSync(RULES_FILE, udevRules());
    writeFileSync(SLOW_RULE_FILE, SLOW_RULE);
    execFileSync("udevadm", ["control", "--reload"]);
    lines.length = 0;
    hid.plug();
    serial.plug();
    keyboard.plug();
    await until("the node", () => existsSync("/dev/hidraw0"), PATIENCE_MS);
    assert.equal(statSync("/dev/hidraw0").mode & 0o777, 0o600, "forbidden when it appears");
    for (const id of [hidId, serialId, keyboardId]) await says(`${id} ready`);
    assert.deepEqual(
      lines.filter((line) => line.includes(" fault ")),
      [],
    );
    for (const report of scanReports("honeywell", SAMPLES.S1)) await hid.send(report);
    await serial.send(`${SAMPLES.S2}\r\n`);
    keyboard.send(typedReports(`${SAMPLES.S7}\n`), 1);
    await says(`${hidId} scan ${SAMPLES.S1}`);
    await says(`${serialId} scan ${SAMPLES.S2}`);
    await says(`${keyboardId} scan ${SAMPLES.S7}`);
  });

  await t.test("is gone within 2 s of being told to stop, with all its readers idle", async (t) => {
    const gone = once(service, "exit", { signal: AbortSignal.timeout(PATIENCE_MS) });
    const toldMs = performance.now();
    service.kill("SIGTERM");
    assert.deepEqual(await gone, [0, null]);
    const goneMs = Math.round(performance.now() - toldMs);
    t.diagnostic(`gone after ${goneMs} ms`);
    assert.ok(goneMs < 2000);
  });
});

/** Lets everybody into a folder below somebody's private one; only in the machine's own layer of memory. */
function letPass(folder: string): void {
  chmodSync(folder, 0o755);
  if (folder !== path.dirname(folder)) letPass(path.dirname(folder));
}
