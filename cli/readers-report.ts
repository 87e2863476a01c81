/** What `tram readers` tells about plugged devices: pure, so that every case can be read in a test. */
import type { Assessed, DeviceByHand, FoundReader } from "../drivers/discovery.ts";
import { makerOf } from "../drivers/fingerprints.ts";
import { formatUsbAddress } from "../drivers/usb-address.ts";
import type { ReaderProfile } from "../provisioning/reader-profiles.ts";

/** A device, and what keeps this user or this machine from using it: a sentence each. */
export interface ReportedDevice {
  readonly assessed: Assessed;
  readonly problems: readonly string[];
  /** What the guided test learned of it on this machine. */
  readonly tested?: ReaderProfile | undefined;
}

const MODES: Readonly<Record<Assessed["mode"], string>> = {
  "hid-pos": "HID POS",
  cdc: "USB serial (virtual COM)",
  keyboard: "keyboard",
  "ibm-oem": "IBM OEM (SurePOS)",
  snapi: "SNAPI",
  unknown: "unknown",
  bridge: "USB-serial adapter",
  relay: "relay board",
  serial: "serial port of an unknown maker",
};

/**
 * The whole report, one block a device: readers first, then what cannot be read, then what is left alone.
 * `machineProblems` are told when there is no reader, because they may be the reason.
 */
export function reportText(devices: readonly ReportedDevice[], machineProblems: readonly string[] = []): string {
  const of = (verdict: Assessed["verdict"]): readonly ReportedDevice[] =>
    devices.filter(({ assessed }) => assessed.verdict === verdict);
  const readers = [...of("reader"), ...of("unusable")];
  const byHand = of("by-hand");
  const none = [NONE, ...machineProblems.map((problem) => lineText("Problem", problem))].join("\n");
  const parts = readers.length === 0 ? [none] : readers.map(blockText);
  if (byHand.length > 0) parts.push("Left alone, because it may be something else:", ...byHand.map(blockText));
  return `${parts.join("\n\n")}\n`;
}

const NONE =
  "No reader is plugged in that can be recognised.\n" +
  "  To do    Plug one in by USB; tram readers --watch shows it the moment it appears.\n" +
  "           One on a serial cable (RS-232) is named by hand: --reader serial:/dev/ttyS0 (Windows: serial:COM1).";

/** What is said about one device. */
export function blockText({ assessed, problems, tested }: ReportedDevice): string {
  const todo = todoOf(assessed);
  return [
    titleOf(assessed),
    lineText("Mode", modeText(assessed)),
    lineText("Reads", readsText(assessed)),
    ...(tested ? [lineText("Tested", testedText(tested))] : []),
    ...problems.map((problem) => lineText("Problem", problem)),
    ...(todo !== null || problems.length === 0 ? [lineText("To do", todo ?? "nothing")] : []),
  ].join("\n");
}

function lineText(label: string, text: string): string {
  return `  ${label.padEnd(8)} ${text}`;
}

function testedText({ testedAt, verdict, findings }: ReaderProfile): string {
  const found = findings.map(({ code, detail }) => (detail === null ? code : `${code} (${detail})`)).join(", ");
  return `${testedAt.slice(0, 10)}, ${verdict}${found === "" ? "" : `: ${found}`}`;
}

/** One machine-readable line about one device. */
export function reportLine({ assessed, problems, tested }: ReportedDevice): Record<string, unknown> {
  const { device, verdict, mode, name } = assessed;
  return {
    event: "device",
    verdict,
    mode,
    name,
    address: formatUsbAddress(device.address),
    port: device.port,
    manufacturer: device.manufacturer,
    reader: specOf(assessed),
    nodes: [...new Set(device.interfaces.map(({ path }) => path))],
    problems,
    todo: todoOf(assessed),
    ...(tested ? { tested } : {}),
  };
}

/** Name, maker and identity: what the label on the device says. */
export function titleOf({ device, name }: Assessed): string {
  const { vendorId, serialNumber } = device.address;
  const maker = device.manufacturer ?? makerOf(vendorId)?.maker ?? null;
  const [usb] = formatUsbAddress(device.address).slice("usb:".length).match(/^.{9}/) ?? [];
  const where = serialNumber !== null ? `serial number ${serialNumber}` : device.port && `port ${device.port}`;
  return `${name}  (${[maker, usb, where].filter(Boolean).join(", ")})`;
}

function modeText({ mode, device }: Assessed): string {
  const isTakenOver = mode === "hid-pos" && device.interfaces.some(({ transport }) => transport === "keyboard");
  return isTakenOver ? "keyboard with HID POS beside it: its scans are taken over, no setup barcode" : MODES[mode];
}

function readsText(assessed: Assessed): string {
  switch (assessed.verdict) {
    case "reader":
      return `yes, by itself   ${assessed.spec.id}   ${nodeOf(assessed)}`;
    case "unusable":
      return assessed.mode === "keyboard" ? "only while the kiosk page is in front" : "no";
    case "by-hand":
      return assessed.specText === null ? "no" : "only when named by hand";
  }
}

function todoOf(assessed: Assessed): string | null {
  switch (assessed.verdict) {
    case "reader":
      return assessed.advice?.en ?? null;
    case "unusable":
      return assessed.next.en;
    case "by-hand":
      return byHandTodo(assessed);
  }
}

function byHandTodo({ mode, specText }: DeviceByHand): string {
  if (mode === "relay") return "It is no reader; name it as a relay if it opens the gate.";
  if (specText === null && mode === "bridge") return "It has no port: plug it in again, or install its maker's driver.";
  if (specText === null) return "If it is a reader, switch it to USB serial or HID POS with a setup barcode.";
  const named = `choose it by hand: --reader "${specText}${mode === "bridge" ? "?baud=9600" : ""}"`;
  if (mode === "keyboard") return `Nothing for an ordinary keyboard. If it is a reader, ${named}`;
  return mode === "bridge" ? `It may drive the gate. If a reader hangs on it, ${named}` : `If it is a reader, ${named}`;
}

/** The node that is opened: the one a permission problem is about. */
export function nodeOf({ device, spec }: FoundReader): string {
  const wanted = spec.transport === "evdev" ? "keyboard" : spec.transport;
  const nodes = device.interfaces.filter(({ transport }) => transport === wanted);
  const pos = nodes.find((one) => one.transport === "hid" && one.usagePage === 0x8c);
  return (pos ?? nodes[0])?.path ?? "";
}

export function specOf(assessed: Assessed): string | null {
  if (assessed.verdict === "reader") return assessed.spec.id;
  return assessed.verdict === "by-hand" ? assessed.specText : null;
}
