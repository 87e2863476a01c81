import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { createPtyDevice } from "../../testing/pty.ts";
import { closeSerialPort, openPatiently, openSerialPort } from "./open-port.ts";

/** An opener that fails with these texts, one after the other, and then opens. */
function failing(...texts: readonly string[]): { open: () => Promise<string>; attempts: () => number } {
  let attempts = 0;
  return {
    attempts: () => attempts,
    open: async () => {
      const text = texts[attempts++];
      if (text !== undefined) throw new Error(text);
      return "opened";
    },
  };
}

const DENIED = "Opening COM5: Access denied";
const LOCKED = "Error Resource temporarily unavailable Cannot lock port";
const FORBIDDEN = "EACCES: permission denied, access '/dev/ttyACM0'";

describe("opening waits where waiting helps", () => {
  test("for a port that Windows calls denied after a replug or a crash", async () => {
    const { open, attempts } = failing(DENIED, DENIED);
    expect(await openPatiently("COM5", open)).toBe("opened");
    expect(attempts()).toBe(3);
  });

  test("for a node whose mode udev has not set yet", async () => {
    const { open, attempts } = failing(FORBIDDEN, FORBIDDEN, FORBIDDEN);
    expect(await openPatiently("/dev/ttyACM0", open)).toBe("opened");
    expect(attempts()).toBe(4);
  });

  test("for the lock of a port that is being closed", async () => {
    const { open } = failing(LOCKED, LOCKED);
    expect(await openPatiently("/dev/ttyACM0", open)).toBe("opened");
  });

  test.each([
    ["COM5", DENIED, "reader.busy", { busyWaitMs: 600 }],
    ["/dev/ttyACM0", LOCKED, "reader.busy", { busyWaitMs: 120 }],
    ["/dev/ttyACM0", FORBIDDEN, "reader.permission", { permissionWaitMs: 250 }],
  ])("but not for ever: %s %s", async (path, text, code, limits) => {
    const { open, attempts } = failing(...Array<string>(1000).fill(text));
    await expect(openPatiently(path, open, limits)).rejects.toMatchObject({ code });
    expect(attempts()).toBeGreaterThan(1);
    expect(attempts()).toBeLessThan(10);
  });

  test.each([
    ["COM5", "Opening COM5: File not found", "reader.not-found"],
    ["COM5", "Opening COM5: Unknown error code 31", "reader.unplugged"],
    ["/dev/ttyACM0", "Error: No such file or directory, cannot open /dev/ttyACM0", "reader.not-found"],
  ])("and not at all where it does not: %s %s", async (path, text, code) => {
    const { open, attempts } = failing(text);
    await expect(openPatiently(path, open)).rejects.toMatchObject({ code });
    expect(attempts()).toBe(1);
  });
});

test("a port that is closed opens again at once, a hundred times", async () => {
  await using device = await createPtyDevice();
  for (let round = 1; round <= 100; round++) {
    const { port } = await openSerialPort(device.path, 9600);
    port.on("data", () => {});
    await closeSerialPort(port, 2000);
  }
});

test("a busy port names the program that holds it", async () => {
  await using device = await createPtyDevice();
  const holder = spawn(process.execPath, ["-e", HOLDER, device.path], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    await once(holder.stdout, "data");
    // The terminal's other end has it open as well; on a real port nobody has.
    await expect(openSerialPort(device.path, 9600, { busyWaitMs: 0 })).rejects.toMatchObject({
      code: "reader.busy",
      message: expect.stringMatching(/^The program (node|socat) \(process \d+\) holds the port \S+: close it\.$/),
    });
  } finally {
    holder.kill("SIGKILL");
    await once(holder, "exit");
  }
});

/** A second program that reads the port. It ends with its standard input. */
const HOLDER = `
  const { SerialPort } = require("serialport");
  const port = new SerialPort({ path: process.argv[1], baudRate: 9600 }, (error) => console.log(error ?? "open"));
  process.stdin.on("end", () => process.exit()).resume();
`;
