import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TcpProxy } from "./tcp-proxy.ts";

const body = "x".repeat(1_000);
const server = createServer((request, response) => {
  served.push(request.url ?? "");
  response.end(body);
});
const served: string[] = [];
let proxy: TcpProxy;

beforeEach(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  proxy = await TcpProxy.before((server.address() as AddressInfo).port);
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  served.length = 0;
});

/** Bytes of the reply to one request, and how the connection ended. */
function ask(path: string): Promise<{ bytes: number; end: string }> {
  return new Promise((resolve) => {
    let bytes = 0;
    let end = "fin";
    const socket = connect(proxy.port, "127.0.0.1");
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      end = error.code ?? "error";
    });
    socket.on("close", () => resolve({ bytes, end }));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n`);
  });
}

test("without a rule everything passes", async () => {
  const { bytes, end } = await ask("/");
  expect(bytes).toBeGreaterThan(body.length);
  expect(end).toBe("fin");
  expect(proxy.counts).toMatchObject({ connections: 1, cuts: 0, silenced: 0, slices: 0, endless: 0 });
});

test.each([0, 1, 17, 600])(
  "a cut lets %i bytes of the reply pass, after the server has answered",
  async (afterBytes) => {
    proxy.next({ cut: { afterBytes, by: "fin" } });
    expect(await ask("/first")).toEqual({ bytes: afterBytes, end: "fin" });
    expect(served).toEqual(["/first"]);
    expect(proxy.counts.cuts).toBe(1);
    expect((await ask("/second")).bytes).toBeGreaterThan(body.length);
  },
);

test("a reset is one", async () => {
  proxy.next({ cut: { afterBytes: 0, by: "rst" } });
  expect((await ask("/")).end).toBe("ECONNRESET");
});

test("slices change no byte, a way that leads to nobody brings none", async () => {
  const { bytes } = await ask("/whole");
  proxy.next({ slices: { bytes: 50, everyMs: 1 } });
  expect((await ask("/sliced")).bytes).toBe(bytes);
  expect(proxy.counts.slices).toBeGreaterThan(10);
  proxy.leadTo();
  expect((await ask("/nowhere")).bytes).toBe(0);
  expect(served).toEqual(["/whole", "/sliced"]);
});
