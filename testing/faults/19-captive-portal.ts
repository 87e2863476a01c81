import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import path from "node:path";
import tls from "node:tls";
import { gzipSync } from "node:zlib";
import { type Authority, authority, type Certificate, today } from "../certificates.ts";
import { type Answer, type FakeCentre, type Script, startFakeCentre } from "../fake-centre.ts";
import { temporaryFolder } from "../folder.ts";
import { until } from "../until.ts";
import type { Control, Fault, FaultOutcome } from "./fault.ts";
import type { Mutation } from "./mutated-program.ts";
import { together } from "./oracle.ts";
import { ScriptedLine } from "./scripted-line.ts";
import { TcpProxy } from "./tcp-proxy.ts";

const host = "127.0.0.1";
const dayMs = 24 * 3_600_000;
const html = "<!doctype html><title>Wifi</title><form action=/login>Đăng nhập để dùng mạng</form>";
const signInPage = "/login";

const MiB = 1024 * 1024;
const bombMiB = 200;
/** More than this above what the agent took before is no bounded reply. */
const mostGrowthMiB = 100;
/** One card brings one try, and chance a few more within the moment that is watched. */
const mostTries = 12;
const watchedMs = 400;

/** A server that is not ours at the end of a way that should lead to ours. */
type Stranger =
  /** It has a certificate that is believed, as a company's own proxy may have, and answers by script. */
  | { readonly name: string; readonly answers: Script }
  /** It answers as our centre would, and has this certificate. */
  | { readonly name: string; readonly certificate: (own: Authority, other: Authority) => Certificate }
  /** The name leads to a machine that does not speak TLS, or to none. */
  | { readonly name: string; readonly leadsTo: "http" | "nobody" };

const claimsAll: Script = ({ entries }, answer) =>
  answer.raw(200, { "Content-Type": "application/json" }, JSON.stringify(namingAll(entries)));
const namingAll = (entries: readonly { readonly id: string }[]) => ({
  batch_id: "01900000-0000-7000-8000-0000000000bb",
  results: entries.map(({ id }) => ({ id, status: "stored" })),
  high_water: { seq: 1 },
});
const page =
  (status: number, headers: Record<string, string> = { "Content-Type": "text/html; charset=utf-8" }): Script =>
  (_, answer) =>
    answer.raw(status, headers, html);
const redirect = (status: number): Stranger => ({
  name: `redirect ${status}`,
  answers: page(status, { Location: signInPage, "Content-Type": "text/html" }),
});

const bomb: Stranger = { name: "gzip bomb", answers: ({ entries }, answer) => answerBomb(entries, answer) };
const unechoed: Stranger = { name: "200 that names every id without our request id", answers: claimsAll };
const selfMade: Stranger = {
  name: "certificate of an unknown authority",
  certificate: (_, other) => other.issue(host, ...today()),
};

const strangers: readonly Stranger[] = [
  { name: "200 HTML", answers: page(200) },
  unechoed,
  {
    name: "200 HTML that names every id and echoes",
    answers: ({ entries }, answer) => answer.json(200, namingAll(entries), { "Content-Type": "text/html" }),
  },
  { name: "empty 200", answers: (_, answer) => answer.raw(200, {}, "") },
  { name: "empty 204", answers: (_, answer) => answer.raw(204, {}, "") },
  { name: "511", answers: page(511) },
  { name: "403 HTML", answers: page(403) },
  { name: "422 HTML", answers: page(422) },
  ...[301, 302, 303, 307, 308].map(redirect),
  bomb,
  selfMade,
  { name: "certificate of another name", certificate: (own) => own.issue("portal.example", ...today()) },
  {
    name: "certificate of yesterday",
    certificate: (own) => own.issue(host, Date.now() - 3 * dayMs, Date.now() - dayMs),
  },
  {
    name: "certificate of tomorrow",
    certificate: (own) => own.issue(host, Date.now() + dayMs, Date.now() + 3 * dayMs),
  },
  { name: "HTTP instead of TLS", leadsTo: "http" },
  { name: "nobody", leadsTo: "nobody" },
];

const ofEveryCommit = new Set([
  "200 HTML",
  unechoed.name,
  "redirect 302",
  "redirect 307",
  bomb.name,
  selfMade.name,
  "certificate of another name",
  "nobody",
]);

/** Two hundred MiB in about 200 kB, in the agreed form and naming every row. */
function answerBomb(entries: readonly { readonly id: string }[], answer: Answer): void {
  const blockMiB = 8;
  const block = gzipSync(Buffer.alloc(blockMiB * MiB, "0"));
  const head = JSON.stringify({ ...namingAll(entries), pad: "" }).slice(0, -'"}'.length);
  const parts = [gzipSync(head), ...Array<Buffer>(bombMiB / blockMiB).fill(block), gzipSync('"}')];
  answer.text(200, Buffer.concat(parts), { "Content-Encoding": "gzip" });
}

/** TLS in front of a plain server; `tries` counts what was attempted at it. */
class TlsDoor implements AsyncDisposable {
  readonly #server: tls.Server;

  private constructor(certificate: Certificate, behind: number) {
    this.#server = tls.createServer(certificate, (socket) => {
      const server = connect(behind, host);
      socket.on("error", () => server.destroy());
      server.on("error", () => socket.destroy());
      socket.pipe(server).pipe(socket);
    });
    this.#server.on("tlsClientError", () => {});
  }

  static async open(certificate: Certificate, behind: number): Promise<TlsDoor> {
    const door = new TlsDoor(certificate, behind);
    door.#server.listen(0, host);
    await once(door.#server, "listening");
    return door;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
  }
}

const portOf = ({ url }: FakeCentre): number => Number(new URL(url).port);

/** One station that meets them one after the other, and our own centre in between. */
async function meetAll(met: readonly Stranger[], program?: string): Promise<FaultOutcome> {
  using folder = temporaryFolder();
  using otherFolder = temporaryFolder();
  const own = authority(folder.path);
  const other = authority(otherFolder.path);
  const caFile = path.join(folder.path, "believed.pem");
  writeFileSync(caFile, own.ca);
  await using stranger = await startFakeCentre();
  stranger.other = (_path, body, answer) => {
    // Who follows the redirect with its rows gives them away, and is told what it wants to hear.
    if (typeof body === "object" && body !== null && "entries" in body) answer.storeAll();
    else answer.raw(200, { "Content-Type": "text/html" }, html);
  };
  await using proxy = await TcpProxy.before();
  await using line = await ScriptedLine.start({
    program,
    central: `https://${host}:${proxy.port}`,
    // An own authority is added as a company would add it; the switch that waves every certificate through is set, too.
    env: { NODE_EXTRA_CA_CERTS: caFile, NODE_TLS_REJECT_UNAUTHORIZED: "0" },
  });
  const believed = own.issue(host, ...today());
  await using ourDoor = await TlsDoor.open(believed, portOf(line.centre));
  await using portalDoor = await TlsDoor.open(believed, portOf(stranger));

  const trusted: string[] = [];
  const restless: string[] = [];
  const late: string[] = [];
  let tries = 0;
  proxy.leadTo(ourDoor.port);
  await line.signIn();
  for (const each of met) {
    await using falseDoor =
      "certificate" in each ? await TlsDoor.open(each.certificate(own, other), portOf(stranger)) : null;
    await until("the centre is known to be there", async () => (await line.told()) === "", 60_000);
    stranger.script = "answers" in each ? each.answers : (_, answer) => answer.storeAll();
    if (!("leadsTo" in each)) proxy.leadTo(falseDoor?.port ?? portalDoor.port);
    else if (each.leadsTo === "http") proxy.leadTo(stranger.url);
    else proxy.leadTo();
    const connectionsBefore = proxy.counts.connections;
    const memoryBefore = measureMemory(line.agent.pid);
    const id = await line.scan();
    await until(`the station met ${each.name}`, () => proxy.counts.connections > connectionsBefore, 60_000);
    // The clerk reads what it is; a connection that was only cut off on the way is not yet it.
    const words = "leadsTo" in each ? "No connection" : "in the centre's place";
    await until(
      `${each.name} is known as such, or believed`,
      async () => line.states().get(id) !== "unsent" || (await line.told()).includes(words),
      60_000,
    );
    const metMs = performance.now();
    await until("a moment has passed", () => performance.now() - metMs > watchedMs);
    const here = proxy.counts.connections - connectionsBefore;
    tries += here;
    const state = line.states().get(id);
    if (state !== "unsent") trusted.push(`${each.name}: ${id} is ${state ?? "gone"}`);
    if (here > mostTries) restless.push(`${each.name}: ${here} tries in ${watchedMs} ms`);
    const growthMiB = memoryBefore.growthMiB();
    if (growthMiB > mostGrowthMiB) restless.push(`${each.name}: it took ${Math.round(growthMiB)} MiB of memory`);

    proxy.leadTo(ourDoor.port);
    await line.signIn();
    late.push(...(await line.settled()));
  }
  // Once more, and nobody signs in: it must find back alone.
  proxy.leadTo(portalDoor.port);
  stranger.script = page(200);
  await line.scan();
  await line.isTold("still recording");
  proxy.leadTo(ourDoor.port);
  late.push(...(await line.recovers()), ...(await line.settled()));
  return {
    counts: { "strangers met": met.length, tries },
    judged: together(line.oracle.judge({ journal: line.station.journal(), centre: line.centre, healed: true }), {
      I1: trusted,
      I6: [...restless, ...late],
      I8: [...stranger.stored.keys()].map((id) => `${id} was given to a stranger`),
    }),
  };
}

/** Memory of a process from this moment on (proc(5): `5` sets the peak back). */
function measureMemory(pid: number): { growthMiB(): number } {
  const inMiB = (name: string): number => {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1]) / 1024;
  };
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = inMiB("VmRSS");
  return { growthMiB: () => inMiB("VmHWM") - before };
}

const control = (without: string, breaks: Control["breaks"], met: Stranger, mutation: Mutation): Control => ({
  without,
  breaks,
  mutations: [mutation],
  run: (program) => meetAll([met], program),
});

export const fault: Fault = {
  number: 19,
  name: "captive portal, another's certificate",
  everyCommit: true,
  run: (effort) => meetAll(effort === "full" ? strangers : strangers.filter(({ name }) => ofEveryCommit.has(name))),
  controls: [
    control("the refusal of redirects", ["I8"], redirect(307), {
      text: "maxRedirects: 0,\n\t\t\tmaxContentLength",
      by: "maxRedirects: 5,\n\t\t\tmaxContentLength",
      times: 1,
    }),
    control("the check of certificates", ["I8"], selfMade, {
      text: "rejectUnauthorized: true,\n\t\t\t\tminVersion",
      by: "rejectUnauthorized: false,\n\t\t\t\tminVersion",
      times: 1,
    }),
    control("the echo that only our server gives", ["I1"], unechoed, {
      text: "const foreign = whyForeign(response, requestId, call.operation);",
      by: "const foreign = null;",
      times: 1,
    }),
    control("the bound of a reply", ["I6"], bomb, {
      text: "maxContentLength: maxReplyBytes,",
      by: "maxContentLength: -1,",
      times: 1,
    }),
  ],
};
