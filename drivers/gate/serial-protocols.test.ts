import { describe, expect, test } from "vitest";
import { serialProtocols } from "./serial-protocols.ts";

const { lcus, modbus, devantech } = serialProtocols;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (text: string): Uint8Array => Buffer.from(text, "hex");
const at = (channel: number, address = 1) => ({ channel, address });

/** The bytes as the manuals print them (readers.md 12). */
describe("a board is told what its manual says", () => {
  test.each([
    ["LCUS 1 on", lcus(at(1), true), ["a00101a2"]],
    ["LCUS 1 off", lcus(at(1), false), ["a00100a1"]],
    ["LCUS 4 on", lcus(at(4), true), ["a00401a5"]],
    ["Modbus coil 1 on", modbus(at(1), true), ["01050000ff008c3a"]],
    ["Modbus coil 1 off, and is it", modbus(at(1), false), ["010500000000cdca", "010100000001fdca"]],
    ["Modbus coil 2 on", modbus(at(2), true), ["01050001ff00ddfa"]],
    ["Devantech 1 on, and is it", devantech(at(1), true), ["655b"]],
    ["Devantech 1 off, and is it", devantech(at(1), false), ["6f5b"]],
    ["Devantech 8 on and off", [...devantech(at(8), true), ...devantech(at(8), false)], ["6c5b", "765b"]],
  ])("%s", (_, exchanges, requests) => {
    expect(exchanges.map(({ request }) => hex(request))).toEqual(requests);
  });
});

describe("an answer counts only when it says that the relay moved", () => {
  const judge = (exchanges: ReturnType<typeof modbus>, step: number) => (text: string) =>
    exchanges[step]?.isObeyed?.(bytes(text));

  test("Modbus: the whole echo, also behind a stray byte; no part of it, and no exception", () => {
    const isObeyed = judge(modbus(at(1), true), 0);
    expect(isObeyed("01050000ff008c3a")).toBe(true);
    expect(isObeyed("0001050000ff008c3a")).toBe(true);
    expect(isObeyed("01050000ff008c")).toBe(false);
    expect(isObeyed("018502c351")).toBe(false);
  });

  test("Modbus OFF: an adapter that hears itself is not taken for the board", () => {
    const isObeyed = judge(modbus(at(1), false), 1);
    expect(isObeyed("010100000001fdca")).toBe(false);
    expect(isObeyed("010101015048")).toBe(false); // The coil is still on.
    expect(isObeyed("010101005188")).toBe(true);
  });

  test("Devantech: the bit of this relay and no other", () => {
    const on = judge(devantech(at(2), true), 0);
    const off = judge(devantech(at(2), false), 0);
    expect([on(""), on("00"), on("01"), on("02"), on("ff")]).toEqual([false, false, false, true, true]);
    expect([off(""), off("02"), off("fd")]).toEqual([false, false, true]);
  });

  test("LCUS answers nothing, so nothing is awaited", () => {
    expect(lcus(at(1), true)[0]?.isObeyed).toBeNull();
  });
});
