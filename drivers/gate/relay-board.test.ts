import { expect, test } from "vitest";
import { createRelayBoard } from "../../testing/relay-board.ts";
import type { PluggedDevice } from "../plugged/plugged-device.ts";
import type { PluggedSystem } from "../plugged/system.ts";
import { openRelayBoard } from "./relay-board.ts";
import { parseRelaySpecs, type RelaySpec } from "./relay-spec.ts";

/** A bridge chip at a port, as `plugged/` lists it. */
const bridge = (port: string, path: string): PluggedDevice => ({
  address: { vendorId: 0x1a86, productId: 0x7523, serialNumber: null, port },
  port,
  manufacturer: null,
  product: "USB Serial",
  interfaces: [{ transport: "serial", path }],
});
const holding = (...devices: PluggedDevice[]): PluggedSystem => ({
  list: () => Promise.resolve(devices),
  hints: () => ({ [Symbol.dispose]: () => {} }),
  lookEveryMs: 1000,
});
const open = (text: string, system: PluggedSystem) => openRelayBoard(parseRelaySpecs([text])[0] as RelaySpec, system);

test("a board is opened wherever its port is today, and two with the same chip are told apart by where they are", async () => {
  await using relays = await createRelayBoard("modbus");
  const system = holding(bridge("1-1", "/dev/tram-no-such-reader"), bridge("1-2.4", relays.path));
  await using board = await open("modbus:usb:1a86:7523@1-2.4?address=7", system);
  await board.switch({ address: 7, channel: 1 }, true);
  expect(relays.on()).toEqual([1]);
});

test("which of two is meant is not guessed, and one that is not there is said", async () => {
  const system = holding(bridge("1-1", "/dev/ttyUSB0"), bridge("1-2.4", "/dev/ttyUSB1"));
  await expect(open("lcus:usb:1a86:7523", system)).rejects.toMatchObject({
    code: "relay.bad-spec",
    message: expect.stringContaining("any of /dev/ttyUSB0, /dev/ttyUSB1"),
  });
  await expect(open("lcus:usb:1a86:7523@1-9", system)).rejects.toMatchObject({ code: "relay.not-found" });
});
