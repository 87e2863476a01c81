import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createPtyDevice } from "../../testing/pty.ts";
import { until } from "../../testing/until.ts";
import { portIdentity, watchIdentity } from "./port-identity.ts";

describe("which device a port is", () => {
  test("is another one after the link in /dev/serial/by-id leads elsewhere, and none without it", async () => {
    await using deviceA = await createPtyDevice();
    await using deviceB = await createPtyDevice();
    const directory = await mkdtemp(join(tmpdir(), "by-id-"));
    const link = join(directory, "usb-Maker_Reader-if00");
    await symlink(deviceA.path, link);
    const first = await portIdentity(link);
    expect(first).toBe(await portIdentity(deviceA.path));
    await rm(link);
    expect(await portIdentity(link)).toBeNull();
    await symlink(deviceB.path, link);
    expect(await portIdentity(link)).not.toBe(first);
    await rm(directory, { recursive: true });
  });

  test("is told by the list of ports on Windows", async () => {
    const pnpId = "USB\\VID_0C2E&PID_0B61\\18230B4F2A";
    const list = async () => [{ path: "COM5", pnpId }, { path: "COM1" }];
    expect(await portIdentity("com5", list)).toBe(pnpId);
    expect(await portIdentity("COM1", list)).toBe("COM1");
    expect(await portIdentity("COM9", list)).toBeNull();
  });
});

describe("a watch", () => {
  test("tells once that the device is another one, at once when it changed during the opening", async () => {
    for (const looks of [["B"], ["A", "A", null, "A"]]) {
      let told = 0;
      let look = 0;
      using _ = watchIdentity(
        "A",
        async () => looks[look++] ?? null,
        looks.length === 1 ? 600_000 : 1,
        () => void told++,
      );
      await until("it is told", () => told > 0);
      expect([told, look]).toEqual([1, looks.length === 1 ? 1 : 3]);
    }
  });

  test("says nothing while nobody can look", async () => {
    let looks = 0;
    let told = 0;
    using _ = watchIdentity(
      "A",
      () => {
        looks++;
        return Promise.reject(new Error("spawn udevadm ENOENT"));
      },
      1,
      () => void told++,
    );
    await until("it looks five times", () => looks >= 5);
    expect(told).toBe(0);
  });
});
