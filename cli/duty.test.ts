import { expect, test } from "vitest";
import { ScriptedLine } from "../testing/faults/scripted-line.ts";
import { runTram } from "../testing/program.ts";

test("a member comes on duty by code, chooses a PIN, leaves and comes back with it, without a centre", async () => {
  await using line = await ScriptedLine.start();
  const phone = "0900000001";
  const tram = (command: string, more: readonly string[], input = "") =>
    runTram([command, ...more, "--data", line.station.dataDir, "--json"], input);
  const before = await tram("logout", []);
  expect([before.code, JSON.parse(before.out).event]).toEqual([0, "signed-out"]);
  const again = await tram("logout", []);
  expect(JSON.parse(again.out)).toEqual({ event: "nobody-on-duty", name: null });
  const unknown = await tram("login", [phone, "--pin"]);
  expect([unknown.code, unknown.out]).toEqual([1, ""]);
  expect(unknown.err).toContain(`knows no member with this phone; sign in with a code: tram login ${phone}`);

  const login = await tram("login", [phone, "--set-pin"], "12345\n123456\n1234\n1234\n73915\n73915\n");
  expect([login.code, login.err.includes("easy to guess")]).toEqual([0, true]);
  expect(login.err).not.toContain("73915");
  expect(JSON.parse(login.out)).toMatchObject({
    event: "signed-in",
    name: "Trần Thị Thử",
    phone: "090••••001",
    role: "scanner",
    pin: "set",
  });
  const off = await tram("logout", ["--off-duty"]);
  expect(JSON.parse(off.out)).toEqual({ event: "off-duty", name: "Trần Thị Thử" });

  await line.centre.down();
  const wrong = await tram("login", [phone, "--pin"], "73914\n");
  expect([wrong.code, wrong.out]).toEqual([1, ""]);
  expect(wrong.err).toContain("Wrong PIN; 4 tries left");
  const back = await tram("login", [phone, "--pin"], "73914\n73915\n");
  expect([back.code, JSON.parse(back.out).event]).toEqual([0, "signed-in"]);
});
