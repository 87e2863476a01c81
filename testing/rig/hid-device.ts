/** A HID device that the kernel believes in, held by a process of its own: plugged in and out, and scanning at a pace. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import { until } from "../until.ts";
import { uhidProgram } from "./uhid-program.ts";

/** What the device tells of itself. */
export interface HidIdentity {
  readonly vendorId: number;
  readonly productId: number;
  readonly descriptor: Buffer;
  readonly product?: string;
  readonly serialNumber?: string;
  /** As usbhid names the place of a device: `usb-0000:00:14.0-2/input0`. */
  readonly place?: string;
}

/** The device, seen from its own side of the cable. It is not plugged in until `plug`. */
export interface HidDevice extends AsyncDisposable {
  plug(): void;
  unplug(): void;
  /** Sends reports, `gapMs` apart (fractions of a millisecond count); returns at once. */
  send(reports: readonly Uint8Array[], gapMs?: number): void;
  /** Resolves when the device has done all it was told so far. */
  done(): Promise<void>;
  /** What was asked of it so far: `open`, `close`, `output HEX`, `feature HEX`. */
  readonly asked: readonly string[];
}

const UHID_CREATE2 = 11;
const USB = 3;
/** struct uhid_create2_req: name, phys and uniq, two sizes, four numbers, then the descriptor. */
const AT = {
  name: 4,
  place: 132,
  serial: 196,
  size: 260,
  bus: 262,
  vendor: 264,
  product: 268,
  version: 272,
  descriptor: 280,
};
const EVENT_BYTES = 4380;

/** Makes a device; dispose it to unplug it for good. */
export async function createHidDevice(identity: HidIdentity): Promise<HidDevice> {
  const helper = spawn("perl", ["-e", uhidProgram], { stdio: ["pipe", "pipe", "inherit"] });
  await once(helper, "spawn");
  const asked: string[] = [];
  readline.createInterface({ input: helper.stdout }).on("line", (line) => asked.push(line));
  let marks = 0;
  const tell = (...lines: readonly string[]): void => {
    helper.stdin.write(lines.map((line) => `${line}\n`).join(""));
  };
  return {
    plug: () => tell(`plug ${createEvent(identity).toString("hex")}`),
    unplug: () => tell("unplug"),
    send(reports, gapMs = 0) {
      const waits = gapMs === 0 ? [] : [`wait ${Math.round(gapMs * 1000)}`];
      tell(...reports.flatMap((report) => [`send ${Buffer.from(report).toString("hex")}`, ...waits]));
    },
    async done() {
      const mark = `mark ${++marks}`;
      tell(mark);
      await until(`the device to come to ${mark}`, () => asked.includes(mark), 60_000);
    },
    asked,
    async [Symbol.asyncDispose]() {
      if (helper.exitCode !== null || helper.signalCode !== null) return;
      const exited = once(helper, "exit");
      helper.kill("SIGKILL");
      await exited;
    },
  };
}

function createEvent(identity: HidIdentity): Buffer {
  const { vendorId, productId, descriptor, product = "Rig reader", serialNumber = "", place = "" } = identity;
  const event = Buffer.alloc(EVENT_BYTES);
  event.writeUInt32LE(UHID_CREATE2, 0);
  event.write(product, AT.name);
  event.write(place, AT.place);
  event.write(serialNumber, AT.serial);
  event.writeUInt16LE(descriptor.length, AT.size);
  event.writeUInt16LE(USB, AT.bus);
  event.writeUInt32LE(vendorId, AT.vendor);
  event.writeUInt32LE(productId, AT.product);
  event.writeUInt32LE(0x100, AT.version);
  descriptor.copy(event, AT.descriptor);
  return event;
}
