/** A recorded HID POS reader: the whole driver runs, only the library below it is replaced by the script. */
import type { HidAccess, HidDevice } from "../hid-pos/hid-access.ts";
import { openHidPosReader } from "../hid-pos/hid-pos-reader.ts";
import { type Reader, ReaderFault } from "../reader.ts";
import type { SimulatedReaderSpec } from "../reader-spec.ts";
import { playSteps } from "./play-steps.ts";
import type { HidScript } from "./reader-script.ts";

/** Opens the replay; it begins with the iteration. Commands are taken and go nowhere. */
export async function openHidReplay(spec: SimulatedReaderSpec, script: HidScript): Promise<Reader> {
  const path = `the recording ${spec.path}`;
  const { vendorId, productId, descriptor, steps } = script;
  let plugged: readonly HidDevice[] = [{ path, vendorId, productId, usagePage: 0x8c, usage: 0x02 }];
  let play = (): void => {};

  const access: HidAccess = {
    list: () => Promise.resolve(plugged),
    reportDescriptor: () => Promise.resolve(descriptor),
    async open(_path, { onReport, onError }) {
      const closed = new AbortController();
      const fault = (code: ReaderFault["code"]): void => {
        // What the library says of a pulled cable is the driver's to understand; the other faults are only told.
        if (code !== "reader.unplugged") return onError(new ReaderFault(code, `${path} faults here: ${code}.`));
        plugged = [];
        onError("device disconnected");
      };
      play = () => void playSteps(steps, { send: onReport, fault }, closed.signal);
      return {
        write: () => Promise.resolve(),
        sendFeatureReport: () => Promise.resolve(),
        close: async () => closed.abort(),
      };
    },
  };

  const reader = await openHidPosReader({ ...spec, transport: "hid", path }, { access });
  return {
    ...reader,
    [Symbol.asyncIterator]() {
      const iterator = reader[Symbol.asyncIterator]();
      play();
      return iterator;
    },
  };
}
