import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../contract/people.ts";
import { Device, OpenStream, Rig } from "../testing/central-rig.ts";
import { until } from "../testing/until.ts";

let rig: Rig;
let owner: TokenReply;
let checkpointId: string;
let device: Device;

beforeEach(async () => {
  rig = await Rig.start();
  ({ owner, checkpointId } = await rig.checkpoint());
  device = new Device(checkpointId, rig.clock);
});
afterEach(() => rig[Symbol.asyncDispose]());

const upload = (...entries: unknown[]) => rig.upload(owner.access_token, device, entries);
const list = (query = "") =>
  rig.call("GET", `/v1/checkpoints/${checkpointId}/entries${query}`, { token: owner.access_token });

describe("the live list", () => {
  test("shows masked entries and counts as they arrive", async () => {
    await using stream = await OpenStream.open(rig, checkpointId, owner.access_token);
    await until("the first count", () => stream.named("count").length === 1);
    expect(stream.named("count")[0]?.data).toEqual({ inside_now: 0, in: 0, out: 0 });
    const entry = device.entry();
    await upload(entry, device.person("079099000002", "Lê Văn Giả"), device.entry({ direction: "out" }));
    await until("the counts", () => stream.named("count").length >= 2);
    expect(stream.named("entry")[0]).toMatchObject({
      data: {
        entry_id: entry.id,
        direction: "in",
        subject: { name_masked: "N••••• T•• Mẫu", number_masked: "079•••••0001", code_kind: "cccd" },
      },
    });
    expect(stream.named("entry")).toHaveLength(3);
    expect(stream.named("count").at(-1)?.data).toEqual({ inside_now: 1, in: 2, out: 1 });
  });

  test("resumes after the last id, from the list's cursor as well", async () => {
    await upload(device.entry());
    const { cursor } = (await list()).body;
    const missed = device.entry({ direction: "out" });
    await upload(missed);
    await using first = await OpenStream.open(rig, checkpointId, owner.access_token, cursor);
    const event = await until("the missed entry", () => first.named("entry")[0]);
    expect(event.data.entry_id).toBe(missed.id);
    const next = device.entry();
    await upload(next);
    await using second = await OpenStream.open(rig, checkpointId, owner.access_token, event.id ?? "");
    await until("the count", () => second.named("count").length > 0);
    expect(second.named("entry").map(({ data }) => data.entry_id)).toEqual([next.id]);
  });

  test("says reset to an id that is foreign or too old", async () => {
    await using foreign = await OpenStream.open(rig, checkpointId, owner.access_token, "made-up");
    await until("the reset", () => foreign.named("reset").length === 1);
    const { cursor } = (await list()).body;
    await upload(device.entry());
    rig.clock.advance(11 * 60_000);
    const later = await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "refresh_token", refresh_token: owner.refresh_token },
    });
    await using old = await OpenStream.open(rig, checkpointId, later.body.access_token, cursor);
    await until("the count", () => old.named("count").length === 1);
    expect(old.events.map(({ name }) => name)).toEqual(["reset", "count"]);
  });

  test("ends with the access token", async () => {
    await using stream = await OpenStream.open(rig, checkpointId, owner.access_token);
    await until("the first count", () => stream.named("count").length === 1);
    rig.clock.advance(601_000);
    await until("the end", () => stream.ended);
    expect(stream.named("bye").map(({ data }) => data)).toEqual([{ reason: "token" }]);
  });

  test("ends at once when the person's right ends", async () => {
    const { tokens, staffId } = await rig.staff(owner, checkpointId, "0900000002");
    await using stream = await OpenStream.open(rig, checkpointId, tokens.access_token);
    await until("the first count", () => stream.named("count").length === 1);
    await rig.call("DELETE", `/v1/checkpoints/${checkpointId}/staff/${staffId}`, { token: owner.access_token });
    await until("the end", () => stream.ended);
    expect(stream.named("bye").map(({ data }) => data)).toEqual([{ reason: "rights" }]);
    await expect(OpenStream.open(rig, checkpointId, tokens.access_token)).rejects.toThrow(/403/);
  });

  test("a person opens three; a closed one makes room", async () => {
    const three: OpenStream[] = [];
    for (let count = 0; count < 3; count += 1) {
      three.push(await OpenStream.open(rig, checkpointId, owner.access_token));
    }
    await expect(OpenStream.open(rig, checkpointId, owner.access_token)).rejects.toThrow(/429.*too_many_streams/s);
    await three[0]?.[Symbol.asyncDispose]();
    const deadline = Date.now() + 10_000;
    let fourth: OpenStream | null = null;
    while (!fourth && Date.now() < deadline) {
      fourth = await OpenStream.open(rig, checkpointId, owner.access_token).catch(() => null);
    }
    expect(fourth).not.toBeNull();
  });

  test("says goodbye when the service stops, and the stop does not wait for it", async () => {
    await using stream = await OpenStream.open(rig, checkpointId, owner.access_token);
    await until("the first count", () => stream.named("count").length === 1);
    await rig.stop();
    await until("the end", () => stream.ended);
    expect(stream.named("bye").map(({ data }) => data)).toEqual([{ reason: "restart" }]);
  });

  test("a reader that never reads does not hold up the others or the stop", async () => {
    const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
    socket.pause();
    const path = `/v1/checkpoints/${checkpointId}/entries:stream`;
    socket.write(`${await rig.rawHead("GET", path, owner.access_token)}\r\n`);
    await using stream = await OpenStream.open(rig, checkpointId, owner.access_token);
    for (let batch = 0; batch < 5; batch += 1) await upload(...Array.from({ length: 100 }, () => device.entry()));
    await until("all entries", () => stream.named("entry").length === 500);
    await rig.stop();
    socket.destroy();
  });
});
