import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import type { BatchRequest, WireEntry } from "../contract/entries.ts";
import { type ProblemName, problemBase } from "../contract/problem.ts";

/** One batch as it arrived. */
export interface Arrived {
  readonly entries: readonly WireEntry[];
  readonly batchId: string;
  /** The station's clocks as it says. */
  readonly sent: BatchRequest["sent"];
  readonly token: string | undefined;
  readonly bytes: number;
}

/** What the script makes of a request: the whole answer is in its hands. */
export type Script = (arrived: Arrived, answer: Answer, count: number) => void;

export interface Answer {
  /** Our server's word, correctly labelled. */
  json(status: number, body: unknown, headers?: Record<string, string>): void;
  /** The same for a body that need not be JSON. */
  text(status: number, body: string | Uint8Array, headers?: Record<string, string>): void;
  problem(status: number, name: ProblemName, headers?: Record<string, string>): void;
  /** Remembers an entry in the ledger; what to say of it. For scripts that make their own answer, or none. */
  store(entry: WireEntry): { id: string; status: "stored" | "duplicate" };
  /** All items `stored`, remembered in the ledger. */
  storeAll(): void;
  /** Any bytes, labelled as the script likes: captive portals, proxies. */
  raw(status: number, headers: Record<string, string>, body: string): void;
  /** The connection ends without an answer. */
  cut(): void;
}

export interface FakeCentre extends AsyncDisposable {
  readonly url: string;
  /** Ids stored, in order of arrival. */
  readonly ledger: string[];
  /** What was stored first under each id, in the same order. */
  readonly stored: Map<string, WireEntry>;
  /** Ids that came again with another content: one id must never name two things. */
  readonly conflicts: string[];
  readonly batches: Arrived[];
  /** Other requests, by path. */
  readonly otherPaths: string[];
  /** Replaces the script from the next request on. */
  script: Script;
  /** Answers calls other than the batch; 404 unless set. */
  other: (path: string, body: unknown, answer: Answer) => void;
  /** Refuses connections until `up` (the port stays ours). */
  down(): Promise<void>;
  up(): Promise<void>;
}

/** A centre that answers by script: the oracle's ledger for everything the outbox does. */
export async function startFakeCentre(script: Script = (_, answer) => answer.storeAll()): Promise<FakeCentre> {
  const sockets = new Set<Socket>();
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const answer = makeAnswer(request, response, body.json, centre);
    if (request.url !== "/v1/entries:batch") {
      centre.otherPaths.push(request.url ?? "");
      centre.other(request.url ?? "", body.json, answer);
      return;
    }
    const { entries, batch_id, sent } = body.json as BatchRequest;
    const arrived: Arrived = {
      entries: entries as WireEntry[],
      batchId: batch_id,
      sent,
      token: request.headers.authorization,
      bytes: body.bytes,
    };
    centre.batches.push(arrived);
    centre.script(arrived, answer, centre.batches.length);
  };
  const make = (): Server => {
    const server = createServer((request, response) => {
      handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    return server;
  };
  let server = make();
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const port = await listen(0);
  const centre: FakeCentre = {
    url: `http://127.0.0.1:${port}`,
    get ledger() {
      return [...centre.stored.keys()];
    },
    stored: new Map(),
    conflicts: [],
    batches: [],
    otherPaths: [],
    script,
    other: (_path, _body, answer) => answer.problem(404, "not_found"),
    down: close,
    up: async () => {
      server = make();
      await listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
  return centre;
}

/** What a centre says of one device: the highest number it has of it. */
function highestOf(stored: ReadonlyMap<string, WireEntry>): number {
  let highest = 0;
  for (const { seq } of stored.values()) highest = Math.max(highest, seq);
  return highest;
}

async function readBody(request: IncomingMessage): Promise<{ json: unknown; bytes: number }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
  return { json: text.length > 0 ? JSON.parse(text.toString("utf8")) : undefined, bytes: text.length };
}

function makeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  body: unknown,
  { stored, conflicts }: Pick<FakeCentre, "stored" | "conflicts">,
): Answer {
  const own = { "X-Request-Id": String(request.headers["x-request-id"]) };
  const send = (status: number, headers: Record<string, string>, body: string | Uint8Array): void => {
    response.writeHead(status, headers);
    response.end(body);
  };
  const text: Answer["text"] = (status, value, headers = {}) =>
    send(status, { ...own, "Content-Type": "application/json", ...headers }, value);
  const json: Answer["json"] = (status, value, headers) => text(status, JSON.stringify(value), headers);
  const store: Answer["store"] = (entry) => {
    const { id } = entry;
    const known = stored.get(id);
    if (known === undefined) stored.set(id, entry);
    else if (known.sha256 !== entry.sha256) conflicts.push(id);
    return { id, status: known === undefined ? "stored" : "duplicate" };
  };
  return {
    json,
    text,
    store,
    problem: (status, name, headers = {}) =>
      send(
        status,
        { ...own, "Content-Type": "application/problem+json", ...headers },
        JSON.stringify({ type: problemBase + name, title: name, status }),
      ),
    storeAll: () => {
      const { batch_id, entries } = body as { batch_id: string; entries: WireEntry[] };
      const results = entries.map(store);
      json(200, { batch_id, results, high_water: { seq: highestOf(stored) } });
    },
    raw: send,
    cut: () => response.destroy(),
  };
}
