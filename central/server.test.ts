import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Device, OpenStream, Rig } from "../testing/central-rig.ts";
import { until } from "../testing/until.ts";
import { keyPathOf } from "./keys.ts";
import { consoleOtpSender } from "./otp-senders.ts";

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

describe("starting", () => {
  test("says in one sentence why it cannot", async () => {
    await expect(rig.start({ database: "postgres://localhost/tram" })).rejects.toThrow(/SQLite only/);
    await expect(rig.start({ database: "sqlite:/nowhere/at/all/central.db" })).rejects.toThrow(
      /does not exist: create/,
    );
    await expect(rig.start({ pagesDir: join(rig.folder, "no-page") })).rejects.toThrow(/build them/);
    const taken = createServer();
    await new Promise<void>((resolve) => void taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address ? address.port : 0;
    await expect(rig.start({ port })).rejects.toThrow(/is in use: stop the other program/);
    taken.close();
  });

  test("a key file that is gone, shared or another one's stops it", async () => {
    await rig.start();
    await rig.stop();
    const path = keyPathOf(rig.databasePath);
    expect(statSync(path).mode & 0o077).toBe(0);
    const key = readFileSync(path, "utf8");
    chmodSync(path, 0o644);
    await expect(rig.start()).rejects.toThrow(/read by other users/);
    rmSync(path);
    await expect(rig.start()).rejects.toThrow(/put the key file back/);
    writeFileSync(path, "0".repeat(64), { mode: 0o400 });
    await expect(rig.start()).rejects.toThrow(/another database/);
    rmSync(path);
    writeFileSync(path, key, { mode: 0o400 });
    await rig.start();
  });

  test("a file that is not ours is left alone", async () => {
    await rig.start();
    await rig.stop();
    writeFileSync(rig.databasePath, "something else entirely, long enough to be looked at");
    await expect(rig.start()).rejects.toThrow(/not a database|damaged/);
  });

  test("a restart keeps places, staff, sign-ins and entries", async () => {
    await rig.start();
    const { owner, checkpointId } = await rig.checkpoint();
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(owner.access_token, device, [device.entry()]);
    const list = () => rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token });
    const before = (await list()).body;
    await rig.stop();
    await rig.start();
    expect((await list()).body).toEqual(before);
  });
});

describe("every answer", () => {
  beforeEach(() => rig.start());

  test("repeats the request id and carries the common headers", async () => {
    const reply = await rig.call("GET", "/v1/me/checkpoints", { headers: { "x-request-id": "abc-123" } });
    expect(reply.headers.get("x-request-id")).toBe("abc-123");
    expect(reply.headers.get("date")).toBeTruthy();
    expect(reply.headers.get("cache-control")).toBe("no-store");
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
    expect(reply.headers.get("access-control-allow-origin")).toBeNull();
    const made = await rig.call("GET", "/v1/x", { headers: { "x-request-id": "<script>" } });
    expect(made.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
  });

  test.each([
    ["no JSON", { body: "<html>", headers: {} }, 400, "malformed"],
    ["half a text", { body: new Uint8Array([0x22, 0xff, 0x22]), headers: {} }, 400, "malformed"],
    ["a list", { body: [], headers: {} }, 400, "malformed"],
    ["a form", { body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } }, 415, "malformed"],
    ["broken gzip", { body: new Uint8Array([1, 2]), headers: { "content-encoding": "gzip" } }, 400, "malformed"],
    ["unknown coding", { body: {}, headers: { "content-encoding": "br" } }, 415, "malformed"],
    ["too much", { body: { phone: "0".repeat(20_000) }, headers: {} }, 413, "too_large"],
    ["wrong values", { body: { phone: 5 }, headers: {} }, 422, "validation"],
    ["no phone", { body: { phone: "123456789", audience: "staff" }, headers: {} }, 422, "validation"],
  ])("to %s is a problem with a sentence", async (_what, request, status, name) => {
    const reply = await rig.call("POST", "/v1/auth/otp", request);
    expect(reply.status).toBe(status);
    expect(reply.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(reply.body.type).toBe(`https://tram-qr.example/problems/${name}`);
    expect(reply.body.detail).toMatch(/.{10,}\.$/);
  });

  test("gzip bodies are read, and a small one that unpacks to much is refused", async () => {
    const send = (body: Buffer) => rig.call("POST", "/v1/auth/otp", { body, headers: { "content-encoding": "gzip" } });
    expect((await send(gzipSync(JSON.stringify({ phone: "0900000001", audience: "owner" })))).status).toBe(202);
    expect((await send(gzipSync(Buffer.alloc(32 * 1024 * 1024)))).status).toBe(413);
  });

  test("unknown calls and methods are problems, too", async () => {
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/v1/entries:batch"],
      ["PUT", "/v1/checkpoints"],
      ["GET", "/v1/%zz"],
    ] as const) {
      const reply = await rig.call(method, path);
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.status).toBeLessThan(500);
      expect(reply.headers.get("content-type"), path).toMatch(/^application\/problem\+json/);
      expect(reply.headers.get("x-request-id"), path).toBeTruthy();
    }
  });

  test("bytes that are no HTTP do not stop it", async () => {
    const socket = connect(Number(new URL(rig.url).port), "127.0.0.1");
    let closed = false;
    socket.on("close", () => {
      closed = true;
    });
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Buffer.from([0x16, 0x03, 0x01, 0, 0xff, 0x0a, 0x0d, 0x0a, 0x0d, 0x0a]));
    await until("the connection to be closed", () => closed);
    expect((await rig.call("GET", "/v1/me/checkpoints")).status).toBe(401);
  });
});

describe("personal data", () => {
  test("is nowhere in the log and nowhere in clear in the files", async () => {
    await rig.start();
    const { owner, checkpointId } = await rig.checkpoint("0900000001");
    const { tokens } = await rig.staff(owner, checkpointId, "0900000002");
    const device = new Device(checkpointId, rig.clock);
    const entry = device.entry();
    await rig.upload(tokens.access_token, device, [entry, { ...entry, direction: "Nguyễn Thị Mẫu" }]);
    await rig.call("GET", "/v1/x/0900000001?name=Nguy%E1%BB%85n");
    await rig.call("POST", "/v1/auth/otp", { body: '{"phone":"0900000001"' });
    await rig.call("POST", "/v1/auth/otp", { body: { phone: "0900000001", audience: "Nguyễn Thị Mẫu" } });
    await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token });
    const stream = await OpenStream.open(rig, checkpointId, owner.access_token);
    await until("the count", () => stream.named("count").length > 0);
    await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "refresh_token", refresh_token: owner.refresh_token },
    });
    const canaries = [
      "0900000001",
      "0900000002",
      "079099000001",
      "Nguyễn Thị Mẫu",
      "Nguyễn",
      "Trần Thị Thử",
      "Số 1 Phố Thử",
      "1990-01-01",
      entry.raw_b64.slice(0, 40),
      entry.sha256,
      owner.access_token,
      owner.refresh_token,
      tokens.access_token,
      tokens.refresh_token,
    ];
    // With the write-ahead log, and again after it has been merged into the file.
    for (let round = 0; round < 2; round += 1) {
      const files = readdirSync(rig.folder).filter((name) => name !== "central.key");
      expect(files).toContain("central.db");
      const bytes = Buffer.concat(files.map((name) => readFileSync(join(rig.folder, name))));
      expect(bytes.includes("Cổng thử nghiệm")).toBe(true);
      for (const canary of canaries) expect(bytes.includes(canary), `${canary} in the files`).toBe(false);
      await rig.stop();
    }
    expect(rig.log).toContain("/v1/entries::batch");
    for (const canary of [...canaries, "DPoP ey", "eyJ"]) {
      expect(rig.log.includes(canary), `${canary} in the log`).toBe(false);
    }
    for (const code of rig.codes.values()) expect(rig.log).not.toMatch(new RegExp(`\\b${code}\\b`));
  });

  test("of one damaged row is missing from the list; the other rows stay", async () => {
    await rig.start();
    const { owner, checkpointId } = await rig.checkpoint();
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(owner.access_token, device, [device.entry(), device.entry()]);
    await rig.stop();
    const { default: Database } = await import("better-sqlite3");
    const database = new Database(rig.databasePath);
    database.prepare("UPDATE entry SET direction = 'out' WHERE seq = 1").run();
    database.close();
    await rig.start();
    const page = await rig.call("GET", `/v1/checkpoints/${checkpointId}/entries`, { token: owner.access_token });
    const names = page.body.items.map((item: { subject: { name_masked: string | null } }) => item.subject.name_masked);
    expect(names).toEqual(["N••••• T•• Mẫu", null]);
  });
});

test("the console sender writes one line for people or for a launcher", async () => {
  const stream = new PassThrough();
  await consoleOtpSender(stream, { json: true }).send("0900000001", "123456", "owner");
  await consoleOtpSender(stream, { json: false }).send("0900000001", "123456", "owner");
  const lines = String(stream.read()).trimEnd().split("\n");
  expect(lines[0]).toBe('{"event":"otp","phone":"0900000001","code":"123456"}');
  expect(lines[1]).toMatch(/^One-time code for 0900000001: 123456/);
});

test("the pages are served with a strict policy and nothing outside its folder", async () => {
  const folder = join(rig.folder, "page");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>page</title>");
  await rig.start({ pagesDir: folder });
  const page = await rig.call("GET", "/live");
  expect(page.text).toContain("<title>page</title>");
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain("unsafe");
  expect(existsSync(join(rig.folder, "central.key"))).toBe(true);
  for (const path of ["/pages/..%2fcentral.key", "/pages/%2e%2e/central.key", "/pages/no-such-file"]) {
    const reply = await rig.call("GET", path);
    expect(reply.status, path).toBeGreaterThanOrEqual(400);
    expect(reply.headers.get("content-type"), path).toMatch(/^application\/problem\+json/);
  }
});
