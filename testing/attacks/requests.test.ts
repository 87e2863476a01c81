import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { operations } from "../../contract/operations.ts";
import { Device, type Reply } from "../central-rig.ts";
import { Cast, canaries, placeNamed, problemOf } from "./cast.ts";
import { type Asked, addressOf, rules } from "./rules.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Name = keyof typeof operations;
const names = Object.keys(operations) as Name[];

let cast: Cast;
beforeAll(async () => {
  cast = await Cast.gather();
  const { station } = cast.deviceA;
  const rows = Array.from({ length: 12 }, (_, n) =>
    station.person(
      n === 0 ? canaries.visitorNumber : `0791880000${String(n).padStart(2, "0")}`,
      n === 0 ? canaries.visitorName : "Khách Thử",
    ),
  );
  const stored = await cast.must(cast.deviceA, "POST", "/v1/entries:batch", station.batch(rows));
  expect(stored.body.results.map(({ status }: { status: string }) => status)).toEqual(rows.map(() => "stored"));
});
afterAll(() => cast?.[Symbol.asyncDispose]());

describe("bodies", () => {
  const withBody = names.filter((name) => {
    const operation = operations[name];
    return "request" in operation && operation.auth === "dpop";
  });
  /** Who may make the call, so that only the body is wrong. */
  const good = async (name: Name) => {
    const rule = rules[name];
    if (rule.kind === "of-a-place") return { who: cast[rule.may[0] ?? "ownerA"], asked: await rule.ask(cast) };
    if (rule.kind === "own-things") return { who: cast.ownerA, asked: await rule.ask(cast) };
    throw new Error(name);
  };
  const send = (
    name: Name,
    as: Parameters<Cast["call"]>[0],
    asked: Asked,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> =>
    cast.call(as, operations[name].method, addressOf(name, asked), { body, headers: { ...asked.headers, ...headers } });

  test.each(withBody)("%s refuses what is no JSON object, is too large, or says to be something else", async (name) => {
    const { who, asked } = await good(name);
    const text = JSON.stringify(asked.body);
    for (const body of [
      "",
      "null",
      "[]",
      '"text"',
      "{",
      "{}{}",
      text.slice(0, -1),
      "\u0000",
      "[".repeat(5000),
      '{"__proto__":',
    ]) {
      const reply = await send(name, who, asked, body);
      expect([400, 422], `${body.slice(0, 20)}: ${reply.text.slice(0, 200)}`).toContain(reply.status);
    }
    const latin = await send(name, who, asked, new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]));
    expect(latin.status).toBe(400);
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/xml",
      "application/jsonp",
    ]) {
      const reply = await send(name, who, asked, text, { "content-type": type });
      expect(reply.status, type).toBe(415);
    }
    const huge = await send(name, who, asked, `${text.slice(0, -1)},"padding":"${"x".repeat(700_000)}"}`);
    expect([huge.status, problemOf(huge)]).toEqual([413, "too_large"]);
    const bomb = await send(name, who, asked, gzipSync(Buffer.alloc(30 << 20, 0x20)), { "content-encoding": "gzip" });
    expect([bomb.status, problemOf(bomb)]).toEqual([413, "too_large"]);
    const broken = await send(name, who, asked, new Uint8Array([0x1f, 0x8b, 1, 2, 3]), { "content-encoding": "gzip" });
    expect(broken.status).toBe(400);
    expect((await send(name, who, asked, text, { "content-encoding": "br" })).status).toBe(415);
  });

  test("fields nobody asked for change nothing: no role, owner, approval, full view or time is taken from outside", async () => {
    const id = randomUUID();
    const more = {
      kind_status: "approved",
      state: "closed",
      version: 77,
      role: "owner",
      owner: cast.ownerB.reply.person.ref,
      full_view: true,
      created_at: "2000-01-01T00:00:00Z",
      place_code: { text: "x", kid: "00000000" },
      successor_id: cast.placeB,
      __proto__: { polluted: true },
      constructor: { prototype: { polluted: true } },
    };
    const made = await cast.must(cast.ownerA, "POST", "/v1/checkpoints", {
      ...placeNamed(id, "Trạm xá Gò Găng"),
      ...more,
      kind: "hospital",
      confirm: true,
    });
    const expected = { kind_status: "declared", state: "active", version: 1, successor_id: null, full_view: false };
    expect(made.body).toMatchObject(expected);
    const edited = await cast.must(
      cast.ownerA,
      "PATCH",
      `/v1/checkpoints/${id}`,
      { ...more, name: "Trạm xá Gò Găng mới" },
      { "if-match": '"1"' },
    );
    expect(edited.body).toMatchObject({ ...expected, version: 2 });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect((await cast.call(cast.ownerB, "GET", `/v1/checkpoints/${id}`)).status).toBe(403);

    const member = { id: randomUUID(), phone: cast.nextPhone(), display_name: "Người thử", role: "scanner" };
    const added = await cast.must(cast.supervisorA, "POST", `/v1/checkpoints/${cast.placeA}/staff`, {
      ...member,
      version: 9,
      checkpoint_id: cast.placeB,
      person_ref: cast.ownerA.reply.person.ref,
      added_at: "2000-01-01T00:00:00Z",
    });
    expect(added.body).toMatchObject({ role: "scanner", version: 1 });
    for (const raise of [{ role: "owner" }, { role: "supervisor" }, { full_view: true }]) {
      const reply = await cast.call(cast.supervisorA, "POST", `/v1/checkpoints/${cast.placeA}/staff`, {
        body: { ...member, id: randomUUID(), phone: cast.nextPhone(), ...raise },
      });
      expect([403, 422], JSON.stringify(raise)).toContain(reply.status);
      const patched = await cast.call(cast.supervisorA, "PATCH", `/v1/checkpoints/${cast.placeA}/staff/${member.id}`, {
        body: raise,
        headers: { "if-match": '"1"' },
      });
      expect([403, 422], JSON.stringify(raise)).toContain(patched.status);
    }
    // Nobody raises themselves, whatever their grant is called.
    const self = await cast.call(
      cast.supervisorA,
      "PATCH",
      `/v1/checkpoints/${cast.placeA}/staff/${cast.supervisorA.staffId}`,
      { body: { role: "owner" }, headers: { "if-match": '"1"' } },
    );
    expect([403, 404]).toContain(self.status);
    const full = await cast.call(cast.ownerA, "PATCH", `/v1/checkpoints/${cast.placeA}/staff/${member.id}`, {
      body: { full_view: true },
      headers: { "if-match": '"1"' },
    });
    expect(problemOf(full)).toBe("full_view_not_allowed");
  });

  test("an entry cannot be made another's: not its place, its machine, its member, its time of arrival", async () => {
    const { station } = cast.deviceA;
    const of = async (change: Record<string, unknown>, as = cast.deviceA as Parameters<Cast["call"]>[0]) => {
      const entry = station.entry(change);
      const reply = await cast.call(as, "POST", "/v1/entries:batch", { body: station.batch([entry]) });
      return reply.status === 200 ? reply.body.results[0] : { status: problemOf(reply) };
    };
    expect((await of({ checkpoint_id: cast.placeB })).status).toBe("rejected");
    expect((await of({ checkpoint_id: randomUUID() })).status).toBe("rejected");
    // Under the name of somebody who never served here it counts for nobody: it waits for the owner, or is refused.
    const inside = async () =>
      (await cast.must(cast.ownerA, "GET", `/v1/checkpoints/${cast.placeA}/entries?limit=100`)).body.items.length;
    const before = await inside();
    const named = (await of({ staff_ref: cast.scannerB.reply.person.ref })).status;
    expect(["rejected", "stored"]).toContain(named);
    expect(await inside()).toBe(before);
    const wrongHash = { ...station.entry(), sha256: "0".repeat(64) };
    const hashed = await cast.call(cast.deviceA, "POST", "/v1/entries:batch", { body: station.batch([wrongHash]) });
    expect(hashed.body.results[0].status).toBe("rejected");
    // Rows of one's own place under another's machine would take its numbers away.
    const foreign = new Device(cast.placeB, cast.rig.clock);
    const row = foreign.entry({ seq: 5_000 });
    for (const as of [cast.ownerB, cast.scannerB, cast.deviceB]) {
      const body = { ...foreign.batch([row]), device_id: station.id };
      const reply = await cast.call(as, "POST", "/v1/entries:batch", { body });
      if (reply.status === 200) expect(reply.body.results[0].status, as.name).toBe("rejected");
      else
        expect([403, problemOf(reply)], as.name).toEqual([
          403,
          expect.stringMatching(/^(forbidden|device_not_enrolled)$/),
        ]);
    }
    const mine = station.entry();
    await cast.must(cast.deviceA, "POST", "/v1/entries:batch", station.batch([mine]));
    const taken = cast.deviceB.station.entry({ id: mine.id });
    const conflict = await cast.call(cast.deviceB, "POST", "/v1/entries:batch", {
      body: cast.deviceB.station.batch([taken]),
    });
    expect(conflict.body.results[0]).toMatchObject({ status: "rejected" });
    expect(conflict.text).not.toContain("Mẫu");
  });
});

describe("lists", () => {
  const list = (as: Parameters<Cast["call"]>[0], query: string, place = cast.placeA) =>
    cast.call(as, "GET", `/v1/checkpoints/${place}/entries?${query}`);

  test("a cursor is for its own list and cannot be made up", async () => {
    const { cursor } = (await list(cast.ownerA, "limit=5")).body;
    expect((await list(cast.ownerA, `limit=5&after=${cursor}`)).status).toBe(200);
    const other = await list(cast.ownerB, `after=${cursor}`, cast.placeB);
    expect([other.status, problemOf(other)]).toEqual([410, "cursor_expired"]);
    const flipped = `${cursor[0] === "A" ? "B" : "A"}${cursor.slice(1)}`;
    for (const made of [
      flipped,
      "AAAAAAAAAAAAAAAAAAAAAA",
      "1",
      "0",
      "-1",
      "' OR 1=1",
      Buffer.from("5").toString("base64url"),
      "x".repeat(100),
    ]) {
      const reply = await list(cast.ownerA, `after=${encodeURIComponent(made)}`);
      expect([410, 422], made).toContain(reply.status);
    }
    const stream = await cast.glance(cast.ownerB, "GET", `/v1/checkpoints/${cast.placeB}/entries:stream`, {
      headers: { accept: "text/event-stream", "last-event-id": cursor },
    });
    expect([200, 410]).toContain(stream.status);
  });

  test("limits are limits, and a scanner sees its window whatever it asks for", async () => {
    for (const limit of ["0", "-1", "101", "1e9", "NaN", "5.5", "", "5;5", "5&limit=5000"]) {
      const reply = await list(cast.ownerA, `limit=${limit}`);
      expect([200, 422], limit).toContain(reply.status);
      if (reply.status === 200) expect(reply.body.items.length, limit).toBeLessThanOrEqual(100);
      else expect(problemOf(reply)).toBe("validation");
    }
    const { cursor } = (await list(cast.ownerA, "limit=1")).body;
    cast.rig.clock.advance(0);
    for (const query of ["limit=100", `after=${cursor}`, "include_children=true&limit=100"]) {
      const reply = await list(cast.scannerA, query);
      expect(reply.body.items.length, query).toBeLessThanOrEqual(20);
      expect(reply.body.masked).toBe(true);
    }
  });

  test("a masked answer holds nothing of which the whole could be made, and the full view is refused with its reason", async () => {
    for (const as of [cast.ownerA, cast.supervisorA, cast.scannerA]) {
      const { text } = await list(as, "limit=100");
      for (const value of [
        canaries.visitorName,
        canaries.visitorNumber,
        canaries.visitorNumber.slice(3, 9),
        "raw_b64",
        "sha256",
        "person_tag",
      ]) {
        expect(text, as.name).not.toContain(value);
      }
      const full = await list(as, "view=full&purpose=care");
      expect([full.status, problemOf(full), full.body.reason], as.name).toEqual([403, "masked_only", "kind"]);
    }
    for (const query of ["view=full", "view=raw", "view=full&view=masked", "purpose=curiosity&view=full"]) {
      expect([403, 422], query).toContain((await list(cast.ownerA, query)).status);
    }
  });

  test("a file for download holds what its caller may see, and no more", async () => {
    const period = { from: "2026-03-01T00:00:00Z", to: "2026-03-04T00:00:00Z" };
    for (const format of ["csv", "json"]) {
      const reply = await cast.must(cast.ownerA, "POST", `/v1/checkpoints/${cast.placeA}/exports`, {
        format,
        ...period,
      });
      for (const value of [canaries.visitorName, canaries.visitorNumber]) expect(reply.text).not.toContain(value);
      expect(reply.headers.get("content-disposition")).toMatch(/^attachment/);
      expect(reply.headers.get("cache-control")).toBe("no-store");
    }
    for (const change of [
      { from: period.to, to: period.from },
      { from: "2020-01-01T00:00:00Z" },
      { format: "html" },
      { format: "../../etc/passwd" },
    ]) {
      const reply = await cast.call(cast.ownerA, "POST", `/v1/checkpoints/${cast.placeA}/exports`, {
        body: { format: "csv", ...period, ...change },
      });
      expect(reply.status, JSON.stringify(change)).toBe(422);
    }
  });
});

describe("the wire", () => {
  /** What the service says to these very bytes. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(cast.rig.url);
      let answer = "";
      const socket = connect(Number(port), hostname, () => socket.end(bytes));
      socket.setEncoding("latin1");
      socket.on("data", (part: string) => {
        answer += part;
      });
      socket.on("close", () => resolve(answer));
      socket.on("error", reject);
    });
  const statusesOf = (answer: string): number[] =>
    [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));

  test("two lengths, two codings or a bare line feed smuggle no second call in", async () => {
    const head = await cast.rig.rawHead("POST", "/v1/auth/otp", cast.ownerA.token);
    const smuggled = "GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const lines of [
      `Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n`,
      `Content-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      "Transfer-Encoding: xchunked\r\n\r\n",
      "X: y\nContent-Length: 5\r\n\r\n",
      "Content-Length: +5\r\n\r\n",
      "Content-Length: 0x10\r\n\r\n",
    ]) {
      const statuses = statusesOf(await raw(head + lines + smuggled));
      expect(statuses.length, lines).toBeLessThanOrEqual(1);
      for (const status of statuses) expect(status, lines).toBe(400);
    }
  });

  test("headers that name another method, address, host or caller are not believed", async () => {
    for (const headers of [
      { "x-http-method-override": "DELETE" },
      { "x-original-url": `/v1/checkpoints/${cast.placeA}/staff` },
      { "x-rewrite-url": `/v1/checkpoints/${cast.placeA}/staff` },
      { "x-forwarded-user": cast.ownerA.reply.person.ref },
      { "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" },
    ]) {
      const reply = await cast.call(cast.ownerB, "GET", `/v1/checkpoints/${cast.placeA}/staff`, { headers });
      expect([reply.status, problemOf(reply)], JSON.stringify(headers)).toEqual([403, "forbidden"]);
      expect(reply.text).not.toContain("evil.example");
    }
    expect((await cast.call(cast.ownerA, "GET", `/v1/checkpoints/${cast.placeA}/staff`)).status).toBe(200);
  });

  test("a path reaches no file, no other route and no fault", async () => {
    for (const where of [
      "/v1/../v1/me/checkpoints",
      "/pages/../../central.db",
      "/pages/..%2f..%2fcentral.key",
      "/pages/%2e%2e/%2e%2e/etc/passwd",
      "/..%5c..%5ccentral.db",
      "/v1/%00",
      "/v1/checkpoints//entries",
      "/v1/checkpoints/%ff/entries",
      "/v1/me/checkpoints/",
      "/V1/ME/CHECKPOINTS",
      "/v1/me/checkpoints;x=1",
      `/v1/checkpoints/${cast.placeA}/entries%3Astream`,
      "/metrics",
      "/debug",
      "/.env",
      "/central.key",
      `/${"a/".repeat(3000)}`,
    ]) {
      const answer = await raw(
        `GET ${where} HTTP/1.1\r\nHost: ${new URL(cast.rig.url).host}\r\nConnection: close\r\n\r\n`,
      );
      const [status = 0] = statusesOf(answer);
      expect([301, 400, 401, 404, 414, 431], where).toContain(status);
      expect(answer).not.toContain("SQLite format");
      expect(answer).not.toMatch(/\bat .*\.(ts|js):\d+/);
    }
  });

  test("an answer says what it is, may be kept by nobody, and runs nothing", async () => {
    for (const reply of [
      await cast.call(cast.ownerA, "GET", "/v1/me/checkpoints"),
      await cast.call(cast.ownerB, "GET", `/v1/checkpoints/${cast.placeA}`),
    ]) {
      expect(reply.headers.get("cache-control")).toBe("no-store");
      expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
      expect(reply.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(reply.headers.get("access-control-allow-origin")).toBeNull();
      expect(reply.headers.get("set-cookie")).toBeNull();
    }
    const id = "evil\r\nset-cookie: a=b";
    const odd = await raw(
      `GET /v1/keys HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${id.replace("\r\n", "\\r\\n")} <script>\r\nConnection: close\r\n\r\n`,
    );
    expect(odd).not.toContain("<script>");
    const preflight = await cast.call(cast.ownerB, "OPTIONS", "/v1/me/checkpoints", {
      headers: { origin: "https://evil.example", "access-control-request-method": "GET" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("every method that is not in the contract is refused on every path of it", async () => {
    const paths = [
      ...new Set(names.map((name) => addressOf(name, { path: { id: cast.placeA, staff_id: randomUUID() } }))),
    ];
    for (const where of paths) {
      const known = new Set(
        names
          .filter(
            (name) =>
              addressOf(name, { path: { id: cast.placeA, staff_id: "x" } }) ===
              where.replace(/staff\/[\w-]+$/, "staff/x"),
          )
          .map((name) => operations[name].method.toUpperCase()),
      );
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        if (known.has(method)) continue;
        const reply = await cast.call(cast.ownerB, method, where);
        expect([400, 403, 404, 405, 415, 422], `${method} ${where}`).toContain(reply.status);
      }
    }
  });
});

test("each attempt stands in the log with its status, and nothing leaked", () => cast.mustBeToldAndTight());
