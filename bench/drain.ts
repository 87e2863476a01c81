import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { createInterface } from "node:readline";
import { deviceKeyFile, keepDeviceKey, signingKeyOf } from "../agent/device-key.ts";
import { CredentialStore } from "../agent/duty/credential-store.ts";
import { JournalStore } from "../agent/journal/store.ts";
import { packBatch, sealEnvelope } from "../agent/sync/batch.ts";
import { type ProofKey, proofOf } from "../contract/dpop.ts";
import { maxBatchEntries } from "../contract/limits.ts";
import { loadStationKeys } from "../provisioning/secrets.ts";
import { memberOf, onDutyAlone } from "../testing/on-duty.ts";
import { until } from "../testing/until.ts";
import { backlogOf, benchFolder, copyBacklog } from "./bench-data.ts";
import type { CentralReady } from "./central-process.ts";
import { median } from "./quantiles.ts";
import { StationProcess } from "./station-process.ts";

const slices = 10;
const singleRounds = 5;
const singlesPerRound = 400;
const sliceWithinMs = 600_000;

/**
 * A station's backlog to a real central service in another process. Floor: the same batches, packed beforehand, posted by
 * a bare loop to a second service of the same kind; agent and floor take turns by tenths of the backlog, so that both
 * databases grow alike and both meet the same noise. While the floor runs the agent stands still (SIGSTOP).
 */
export async function drain(entries: number): Promise<void> {
  using folder = benchFolder("drain");
  const source = backlogOf(entries);
  const dataDir = path.join(folder.path, "data");
  copyBacklog(entries, dataDir);
  const keys = loadStationKeys(path.join(dataDir, "station.key"), false);
  const [stationId, floorId, singlesId] = [randomUUID(), randomUUID(), randomUUID()];
  nameMachine(new JournalStore(path.join(dataDir, "journal.db"), keys), stationId);
  await using central = await CentralProcess.start(path.join(folder.path, "central"), [stationId]);
  await using floor = await CentralProcess.start(path.join(folder.path, "floor"), [floorId, singlesId]);
  signIn(new CredentialStore(path.join(dataDir, "duty.sealed"), keys.duty), central.ready);
  await keepDeviceKey(path.join(dataDir, deviceKeyFile), central.ready.pem, {
    station: keys.device,
    credentialsDirectory: undefined,
  });
  const store = new JournalStore(path.join(source, "journal.db"), keys, "read");
  const pages = store.pages(maxBatchEntries);
  const pagesTo = (slice: number): number => Math.floor((Math.ceil(entries / maxBatchEntries) * slice) / slices);

  console.log(`\ndrain: ${entries} unsent entries to a central service in another process`);
  await using station = new StationProcess(dataDir, central.ready.url);
  await station.ready();
  const atReady = station.rss;
  console.log("tenth   agent entries/s   floor entries/s   ratio   agent RSS MiB");
  const rates: { agent: number; floor: number }[] = [];
  for (let slice = 1; slice <= slices; slice++) {
    const agent = await rateOf(station, Math.floor((entries * slice) / slices));
    const rss = station.rss;
    station.freeze();
    const batches = packed(pages, pagesTo(slice) - pagesTo(slice - 1), maxBatchEntries, floorId);
    const bare = await floor.rate(batches);
    station.thaw();
    rates.push({ agent, floor: bare });
    console.log(
      `${String(slice).padStart(5)} ${agent.toFixed(0).padStart(17)} ${bare.toFixed(0).padStart(17)} ${(agent / bare).toFixed(2).padStart(7)} ${rss.toFixed(0).padStart(15)}`,
    );
  }
  const agent = median(rates.map((rate) => rate.agent));
  const ratio = median(rates.map((rate) => rate.agent / rate.floor));
  console.log(`median of tenths: ${agent.toFixed(0)} entries/s, ${ratio.toFixed(2)} of the floor`);
  console.log(
    `agent RSS: ${atReady.toFixed(0)} MiB when ready, ${station.highestRss.toFixed(0)} MiB at most, growth ${(station.highestRss - atReady).toFixed(0)} MiB`,
  );
  const singles: number[] = [];
  const others = new JournalStore(
    path.join(backlogOf(singleRounds * singlesPerRound), "journal.db"),
    loadStationKeys(path.join(backlogOf(singleRounds * singlesPerRound), "station.key"), false),
    "read",
  );
  const again = others.pages(singlesPerRound);
  for (let round = 0; round < singleRounds; round++) {
    singles.push(await floor.rate(packed(again, 1, 1, singlesId)));
  }
  console.log(
    `one request an entry (${singleRounds} x ${singlesPerRound}, packed beforehand, bare loop): ${median(singles).toFixed(0)} entries/s; the agent ${(agent / median(singles)).toFixed(1)} times that`,
  );
  store.close();
  others.close();
}

/** A batch as it is posted. */
interface Request {
  readonly entries: number;
  readonly gzipped: Uint8Array;
}

/** Entries a second from now until the agent has brought `goal` in all. */
async function rateOf(station: StationProcess, goal: number): Promise<number> {
  const before = station.acknowledged;
  const fromMs = performance.now();
  await until(`${goal} entries are acknowledged`, () => station.acknowledged >= goal, sliceWithinMs);
  return ((station.acknowledged - before) / (performance.now() - fromMs)) * 1000;
}

/** The next `pages` of the journal as batches of `limit`, as a station with this id packs them. */
function packed(pages: ReturnType<JournalStore["pages"]>, count: number, limit: number, deviceId: string): Request[] {
  const batches: Request[] = [];
  for (let page = 0; page < count; page++) {
    const entries = pages.next().value?.entries ?? [];
    for (let from = 0; from < entries.length; from += limit) {
      const sent = { boot_id: "boot-1", mono_ms: 0, wall_ms: Date.now() };
      const batch = packBatch(entries.slice(from, from + limit), limit);
      if (batch) batches.push({ entries: batch.ids.length, gzipped: sealEnvelope(batch, { deviceId, sent }) });
    }
  }
  return batches;
}

/** What the machine calls itself from its first start on: the centre knows it by that. */
function nameMachine(store: JournalStore, deviceId: string): void {
  store.setFact("device-id", deviceId);
  store.close();
}

function signIn(store: CredentialStore, { tokens }: CentralReady): void {
  const pair = { accessToken: tokens.access_token, refreshToken: tokens.refresh_token };
  store.write(onDutyAlone(memberOf(tokens.person.ref, pair)));
}

/** A central service in a process of its own, and a bare client of it. */
class CentralProcess implements AsyncDisposable {
  readonly ready: CentralReady;
  readonly #child: ChildProcess;
  readonly #key: Promise<ProofKey>;
  readonly #connections = new http.Agent({ keepAlive: true });
  #token: { access: string; refresh: string };
  #nonce: string | undefined;

  private constructor(child: ChildProcess, ready: CentralReady) {
    this.#child = child;
    this.ready = ready;
    this.#key = signingKeyOf(ready.pem);
    this.#token = { access: ready.tokens.access_token, refresh: ready.tokens.refresh_token };
  }

  static async start(folder: string, devices: readonly string[]): Promise<CentralProcess> {
    mkdirSync(folder, { recursive: true });
    const child = spawn(process.execPath, [path.join(import.meta.dirname, "central-process.ts"), folder, ...devices], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    return new CentralProcess(child, JSON.parse(line) as CentralReady);
  }

  /** Entries a second when these batches are posted one after the other. */
  async rate(batches: readonly Request[]): Promise<number> {
    await this.#renew();
    const fromMs = performance.now();
    let entries = 0;
    for (const { entries: sent, gzipped } of batches) {
      const results = await this.#post("/v1/entries:batch", gzipped, { "Content-Encoding": "gzip" });
      const stored = (results.results as { status: string }[]).filter(({ status }) => status === "stored").length;
      if (stored !== sent) throw new Error(`${stored} of ${sent} entries were stored.`);
      entries += stored;
    }
    return (entries / (performance.now() - fromMs)) * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connections.destroy();
    const exited = once(this.#child, "exit");
    this.#child.stdin?.end();
    await exited;
  }

  /** Access tokens live ten minutes. */
  async #renew(): Promise<void> {
    const body = JSON.stringify({ grant_type: "refresh_token", refresh_token: this.#token.refresh });
    const reply = await this.#post("/v1/auth/token", Buffer.from(body), {});
    this.#token = { access: String(reply.access_token), refresh: String(reply.refresh_token) };
  }

  async #post(name: string, body: Uint8Array, headers: Record<string, string>): Promise<Record<string, unknown>> {
    const url = `${this.ready.url}${name}`;
    const isRefresh = name === "/v1/auth/token";
    const accessToken = isRefresh ? undefined : this.#token.access;
    const proof = await proofOf(await this.#key, { method: "POST", url, accessToken, nonce: this.#nonce });
    const answer = Promise.withResolvers<Record<string, unknown>>();
    const request = http.request(
      url,
      {
        method: "POST",
        agent: this.#connections,
        headers: {
          ...headers,
          "Content-Type": "application/json",
          "Content-Length": body.byteLength,
          ...(accessToken === undefined ? {} : { Authorization: `DPoP ${accessToken}` }),
          DPoP: proof,
        },
      },
      (response) => {
        this.#nonce = String(response.headers["dpop-nonce"]);
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200) answer.resolve(JSON.parse(text) as Record<string, unknown>);
          else if (text.includes("/use_dpop_nonce")) answer.resolve(this.#post(name, body, headers));
          else answer.reject(new Error(`The service answered ${response.statusCode}: ${text}`));
        });
      },
    );
    request.on("error", answer.reject);
    request.end(body);
    return answer.promise;
  }
}
