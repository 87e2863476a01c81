import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import tls from "node:tls";
import { brotliCompressSync, createGzip, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { newProofKey } from "../../contract/dpop.ts";
import { maxReplyBytes } from "../../contract/limits.ts";
import { operations } from "../../contract/operations.ts";
import { problemBase } from "../../contract/problem.ts";
import { type Authority, authority, type Certificate, today } from "../../testing/certificates.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { until } from "../../testing/until.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CentralApi, type Reply } from "./central-api.ts";
import { askedWaitMs, retryAfter } from "./retry-after.ts";

const key = await newProofKey();
let server: Server;
const sockets = new Set<Socket>();
let offsets: number[];

beforeEach(() => {
  offsets = [];
});
afterEach(() => stop());

async function listen(made: Server): Promise<number> {
  server = made;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function stop(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}

/** Answers as our server would be recognised: with the request's id and our type. */
const own = (request: IncomingMessage, more: Record<string, string> = {}) => ({
  "X-Request-Id": String(request.headers["x-request-id"]),
  "Content-Type": "application/json",
  ...more,
});

const schema = z.object({ ok: z.boolean() });

async function answered(
  listener: RequestListener,
  totalTimeoutMs = 5_000,
  cancelled?: AbortSignal,
): Promise<Reply<{ ok: boolean }>> {
  const port = await listen(createServer(listener));
  const api = new CentralApi(`http://127.0.0.1:${port}`, systemClock(), key, (offset) => offsets.push(offset));
  return api.call({
    operation: operations.listMyCheckpoints,
    schema,
    totalTimeoutMs,
    ...(cancelled ? { cancelled } : {}),
  });
}

describe("the time of a whole call is bounded", () => {
  const drip = (response: ServerResponse): void => {
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  };

  test.each<[string, RequestListener]>([
    ["no answer at all", () => {}],
    ["a body that drips for ever", (request, response) => drip(response.writeHead(200, own(request)))],
    [
      "a compressed body that drips for ever",
      (request, response) => {
        const zip = createGzip();
        zip.pipe(response.writeHead(200, own(request, { "Content-Encoding": "gzip" })));
        const timer = setInterval(() => {
          zip.write(" ");
          zip.flush();
        }, 20);
        response.on("close", () => clearInterval(timer));
      },
    ],
    [
      "a header that drips for ever",
      (_request, response) => {
        response.socket?.write("HTTP/1.1 200 OK\r\nX-Slow: ");
        const timer = setInterval(() => response.socket?.write("a"), 20);
        response.socket?.on("close", () => clearInterval(timer));
      },
    ],
    [
      "an announced body that ends early and stays open",
      (request, response) => void response.writeHead(200, own(request, { "Content-Length": "500" })).write("{"),
    ],
  ])("%s", async (_what, listener) => {
    const from = performance.now();
    const reply = await answered(listener, 400);
    expect(reply).toEqual({ kind: "unreachable", detail: "no complete answer in time" });
    expect(performance.now() - from).toBeLessThan(10_000);
    await until("the connection was given up", () => sockets.size === 0);
  });

  test("a cancelled call ends at once, also one cancelled before it began", async () => {
    const cancelling = new AbortController();
    const reply = answered(() => cancelling.abort(), 60_000, cancelling.signal);
    expect((await reply).kind).toBe("unreachable");
    await stop();
    expect((await answered(() => {}, 60_000, cancelling.signal)).kind).toBe("unreachable");
  });
});

describe("the size of an answer is bounded", () => {
  const bomb = Buffer.alloc(64 * 1024 * 1024, 32);
  test.each<[string, (bytes: Buffer) => Buffer]>([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ])("after it was unpacked: %s", async (coding, pack) => {
    const packed = pack(bomb);
    expect(packed.length).toBeLessThan(maxReplyBytes / 2);
    const reply = await answered((request, response) => {
      response.writeHead(200, own(request, { "Content-Encoding": coding })).end(packed);
    });
    expect(reply).toMatchObject({ kind: "foreign", detail: expect.stringContaining("exceeded") });
  });

  test("plain, announced or without end", async () => {
    const announced = await answered((request, response) => {
      response.writeHead(200, own(request, { "Content-Length": "99999999" })).write(" ");
    });
    expect(announced.kind).not.toBe("ok");
    await stop();
    const endless = await answered((request, response) => {
      response.writeHead(200, own(request));
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
        response.once("drain", more);
      };
      more();
    });
    expect(endless).toMatchObject({ kind: "foreign", detail: expect.stringContaining("exceeded") });
  });

  test("a compressed answer of ours is read", async () => {
    const reply = await answered((request, response) => {
      response.writeHead(200, own(request, { "Content-Encoding": "gzip" })).end(gzipSync('{"ok":true}'));
    });
    expect(reply).toEqual({ kind: "ok", value: { ok: true } });
  });
});

describe("what is not our server is never believed", () => {
  test.each([301, 302, 303, 307, 308])("a redirect is not followed: %i", async (status) => {
    const seen: string[] = [];
    const reply = await answered((request, response) => {
      seen.push(request.url ?? "");
      response.writeHead(status, own(request, { Location: "/v1/elsewhere" })).end('{"ok":true}');
    });
    expect(reply).toMatchObject({ kind: "foreign", detail: `redirect ${status}` });
    expect(seen).toEqual(["/v1/me/checkpoints"]);
  });

  test.each<[string, number, Record<string, string>, string]>([
    ["a page", 200, { "Content-Type": "text/html" }, "<html>"],
    ["our form under a foreign id", 200, { "X-Request-Id": "other" }, '{"ok":true}'],
    ["our id over another form", 200, {}, '{"yes":1}'],
    ["our id over half a text", 200, {}, '{"ok":tr'],
    ["a refusal without our type", 422, { "Content-Type": "text/plain" }, "no"],
  ])("%s", async (_what, status, headers, text) => {
    const reply = await answered((request, response) => {
      response.writeHead(status, { ...own(request), ...headers }).end(text);
    });
    expect(reply).toMatchObject({ kind: "foreign" });
  });

  test("bytes that are no HTTP", async () => {
    const reply = await answered((_request, response) => void response.socket?.end("SSH-2.0-OpenSSH\r\n"));
    expect(reply).toMatchObject({ kind: "unreachable" });
    expect(offsets).toEqual([]);
  });
});

describe("what our server says", () => {
  test("is read the same way with 200 and 207, and its clock is noted", async () => {
    for (const status of [200, 207]) {
      expect(
        await answered((request, response) => response.writeHead(status, own(request)).end('{"ok":true}')),
      ).toEqual({
        kind: "ok",
        value: { ok: true },
      });
      await stop();
    }
    expect(offsets).toHaveLength(2);
    await listen(createServer());
  });

  test.each([
    ["an hour ahead", 3_600_000],
    ["a year behind", -365 * 24 * 3_600_000],
  ])("its clock %s is server minus local", async (_what, ahead) => {
    await answered((request, response) => {
      response.writeHead(200, own(request, { Date: new Date(Date.now() + ahead).toUTCString() })).end('{"ok":true}');
    });
    expect(Math.abs((offsets[0] ?? Number.NaN) - ahead)).toBeLessThan(5_000);
  });

  test("tells no time when the machine slept, or the line dripped, between question and answer", async () => {
    for (const roundTripMs of [9_000, 11_000, 8 * 3_600_000]) {
      const port = await listen(
        createServer((request, response) => response.writeHead(200, own(request)).end('{"ok":true}')),
      );
      let mono = 0;
      const clock: Clock = { ...systemClock(), monoMs: () => (mono += roundTripMs) };
      const api = new CentralApi(`http://127.0.0.1:${port}`, clock, key, (offset) => offsets.push(offset));
      expect(await api.call({ operation: operations.listMyCheckpoints, schema })).toMatchObject({ kind: "ok" });
      await stop();
    }
    expect(offsets).toHaveLength(1);
    await listen(createServer());
  });

  test.each([
    [400, "refused"],
    [403, "refused"],
    [404, "refused"],
    [409, "refused"],
    [426, "refused"],
    [408, "busy"],
    [429, "busy"],
    [500, "busy"],
    [503, "busy"],
  ])("with %i is %s, with its name", async (status, kind) => {
    const body = JSON.stringify({ type: `${problemBase}in_progress`, title: "x", status });
    const reply = await answered((request, response) => {
      response.writeHead(status, own(request, { "Content-Type": "application/problem+json", "Retry-After": "7" }));
      response.end(body);
    });
    expect(reply).toMatchObject({ kind, status, name: "in_progress", retryAfterMs: 7_000 });
  });
});

describe("Retry-After", () => {
  const replied = Date.parse("Mon, 02 Mar 2026 03:00:00 GMT");
  test.each([
    ["", null],
    ["0", 0],
    ["7", 7_000],
    ["3600", 3_600_000],
    ["86400", 3_600_000],
    ["9".repeat(400), 3_600_000],
    ["-5", null],
    ["1.5", null],
    ["soon", null],
    ["Mon, 02 Mar 2026 03:00:30 GMT", 30_000],
    ["Mon, 02 Mar 2026 02:00:00 GMT", 0],
    ["Fri, 31 Dec 9999 23:59:59 GMT", 3_600_000],
    ["2026-03-02", null],
  ])("%s", (header, expected) => expect(retryAfter(header, replied)).toBe(expected));

  test("as a date counts from the server's own clock, not from one that is years wrong", () => {
    expect(retryAfter("Mon, 02 Mar 2026 03:00:30 GMT", null)).toBeNull();
  });

  test.each([
    [undefined, null],
    [-1, null],
    [Number.NaN, null],
    [2, 2_000],
    [1e300, 3_600_000],
  ])("of one item: %s s", (seconds, expected) => expect(askedWaitMs(seconds)).toBe(expected));
});

describe("a certificate", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let ours: Authority;
  const trusted = tls.getCACertificates("default");
  beforeEach(() => {
    folder = temporaryFolder();
    ours = authority(folder.path);
    tls.setDefaultCACertificates([...trusted, ours.ca]);
  });
  afterEach(() => {
    tls.setDefaultCACertificates(trusted);
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    folder[Symbol.dispose]();
  });
  const dayMs = 24 * 3_600_000;

  async function over(certificate: Certificate): Promise<{ reply: Reply<{ ok: boolean }>; requests: number }> {
    let requests = 0;
    const port = await listen(
      createTlsServer(certificate, (request, response) => {
        requests += 1;
        response.writeHead(200, own(request)).end('{"ok":true}');
      }),
    );
    const api = new CentralApi(`https://127.0.0.1:${port}`, systemClock(), key, () => {});
    return { reply: await api.call({ operation: operations.listMyCheckpoints, schema }), requests };
  }

  test("of ours is taken", async () => {
    expect((await over(ours.issue("127.0.0.1", ...today()))).reply).toEqual({ kind: "ok", value: { ok: true } });
  });

  test("of somebody else, for another name or out of its time is refused before anything is sent, whatever the environment says", async () => {
    const other = temporaryFolder();
    const now = Date.now();
    const wrong: [Certificate, boolean][] = [
      [authority(other.path).issue("127.0.0.1", ...today()), false],
      [ours.issue("another.example", ...today()), false],
      [ours.issue("127.0.0.1", now - 3 * dayMs, now - 2 * dayMs), true],
      [ours.issue("127.0.0.1", now + 2 * dayMs, now + 3 * dayMs), true],
    ];
    other[Symbol.dispose]();
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    for (const [certificate, untimely] of wrong) {
      const { reply, requests } = await over(certificate);
      expect(reply).toMatchObject({ kind: "foreign", untimely });
      expect(requests).toBe(0);
      await stop();
    }
    await listen(createServer());
  });
});
