import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import type { OtpSender } from "../central/otp-senders.ts";
import { type CentralOptions, type RunningCentral, startCentral } from "../central/server.ts";
import { openStore } from "../central/store/store.ts";
import { newProofKey, type ProofKey, proofOf } from "../contract/dpop.ts";
import { contentOf, type WireEntry } from "../contract/entries.ts";
import type { TokenReply } from "../contract/people.ts";

/** A clock that stands still until it is told to move. */
export class ManualClock {
  time = Date.parse("2026-03-02T03:00:00Z");
  now(): number {
    return this.time;
  }
  advance(ms: number): void {
    this.time += ms;
  }
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Tests look into replies of every shape. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any; // oxlint-disable-line typescript/no-explicit-any
}

export interface CallOptions {
  readonly body?: unknown;
  readonly token?: string | undefined;
  /** Another key than the rig's: a second machine, or a thief. */
  readonly key?: ProofKey;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** A real service on a free loopback port over a real database file, and what its callers need. */
export class Rig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "central-"));
  readonly clock = new ManualClock();
  /** Last code sent to each phone, and how many. */
  readonly codes = new Map<string, string>();
  codesSent = 0;
  /** The key that every sign-in of this rig is bound to, and every call proves unless it names another. */
  key = newProofKey();
  /** Everything the service logged. */
  log = "";
  #nonce: string | undefined;
  readonly #enrolled = new Set<string>();
  #begin = startCentral;
  #database = "";
  #central: RunningCentral | null = null;
  readonly #otpSender: OtpSender = {
    send: async (phone, code) => {
      this.codes.set(phone, code);
      this.codesSent += 1;
    },
  };

  get databasePath(): string {
    return join(this.folder, "central.db");
  }

  get url(): string {
    if (!this.#central) throw new Error("The rig is not started.");
    return this.#central.url;
  }

  /** `begin` starts another service than the one of these sources: a control's. */
  static async start(options: Partial<CentralOptions> = {}, begin = startCentral): Promise<Rig> {
    const rig = new Rig();
    rig.#begin = begin;
    await rig.start(options);
    return rig;
  }

  async start(options: Partial<CentralOptions> = {}): Promise<void> {
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.log += chunk.toString("utf8");
        done();
      },
    });
    this.#database = options.database ?? `sqlite:${this.databasePath}`;
    this.#central = await this.#begin({
      host: "127.0.0.1",
      port: 0,
      database: this.#database,
      pagesDir: null,
      otpSender: this.#otpSender,
      logger: pino({ level: "trace" }, sink),
      clock: this.clock,
      ...options,
    });
  }

  async stop(): Promise<void> {
    await this.#central?.close();
    this.#central = null;
    this.#enrolled.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Sends one call with its proof, and once more where the service wants a newer nonce. */
  async request(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const { token: accessToken, headers, body, signal } = options;
    const send = async () => {
      const url = this.url + path;
      const proof = await proofOf(options.key ?? (await this.key), { method, url, accessToken, nonce: this.#nonce });
      const response = await fetch(url, {
        method,
        headers: {
          dpop: proof,
          ...(accessToken === undefined ? {} : { authorization: `DPoP ${accessToken}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: body as string }),
        ...(signal === undefined ? {} : { signal }),
      });
      this.#nonce = response.headers.get("dpop-nonce") ?? this.#nonce;
      return response;
    };
    const response = await send();
    const again = response.status === 401 && (await response.clone().text()).includes("/use_dpop_nonce");
    return again ? send() : response;
  }

  /** A call; `body` is sent as JSON unless it is already text or bytes. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { body } = options;
    const raw = typeof body === "string" || body instanceof Uint8Array;
    const response = await this.request(method, path, {
      ...options,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...options.headers },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : null };
  }

  /** Token and proof of one call that a test sends in its own way. */
  async provenHeaders(method: string, path: string, accessToken: string): Promise<Record<string, string>> {
    const url = this.url + path;
    if (this.#nonce === undefined) await this.request("GET", "/v1/keys");
    const proof = await proofOf(await this.key, { method, url, accessToken, nonce: this.#nonce });
    return { authorization: `DPoP ${accessToken}`, dpop: proof };
  }

  /** Head lines of a call that a test writes into a socket itself. */
  async rawHead(method: string, path: string, accessToken: string): Promise<string> {
    const { authorization, dpop } = await this.provenHeaders(method, path, accessToken);
    const { host } = new URL(this.url);
    return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\nDPoP: ${dpop}\r\n`;
  }

  /** Signs a phone in and gives the token reply. */
  async signIn(phone: string, audience: "owner" | "staff" | "official"): Promise<TokenReply> {
    const challenge = await this.call("POST", "/v1/auth/otp", { body: { phone, audience } });
    if (challenge.status !== 202) throw new Error(`No code: ${challenge.text}`);
    const reply = await this.call("POST", "/v1/auth/otp:verify", {
      body: { challenge_id: challenge.body.challenge_id, code: this.codes.get(phone) },
    });
    if (reply.status !== 200) throw new Error(`Not signed in: ${reply.text}`);
    return reply.body;
  }

  /** An owner with a checkpoint. */
  async checkpoint(phone = "0900000001"): Promise<{ owner: TokenReply; checkpointId: string }> {
    const owner = await this.signIn(phone, "owner");
    const checkpointId = randomUUID();
    const made = await this.call("POST", "/v1/checkpoints", {
      body: newCheckpoint(checkpointId),
      token: owner.access_token,
    });
    if (made.status !== 201) throw new Error(`No checkpoint: ${made.text}`);
    return { owner, checkpointId };
  }

  /** Adds a staff member and signs it in. */
  async staff(
    owner: TokenReply,
    checkpointId: string,
    phone: string,
    role: "scanner" | "supervisor" | "owner" = "scanner",
  ): Promise<{ tokens: TokenReply; staffId: string }> {
    const staffId = randomUUID();
    const added = await this.call("POST", `/v1/checkpoints/${checkpointId}/staff`, {
      body: { id: staffId, phone, display_name: "Trần Thị Thử", role },
      token: owner.access_token,
    });
    if (added.status !== 201) throw new Error(`Not added: ${added.text}`);
    return { tokens: await this.signIn(phone, "staff"), staffId };
  }

  /**
   * Makes a machine an enrolled one without the owner's telephone: `enrolment.test.ts` shows that way. Unless a key is named it
   * is nobody's, so that uploads are judged by whoever brings them.
   */
  async enrolled(device: { readonly id: string; readonly checkpointId: string }, key?: ProofKey): Promise<void> {
    if (this.#enrolled.has(device.id)) return;
    this.#enrolled.add(device.id);
    const { publicJwk, thumbprint } = key ?? (await newProofKey());
    const { store } = openStore(this.#database, this.clock);
    try {
      const place = await store.checkpoints.find(device.checkpointId);
      if (!place) return;
      await store.devices.enrol(
        {
          id: device.id,
          checkpointId: place.id,
          publicKey: publicJwk,
          jkt: thumbprint,
          name: "Máy cổng",
          model: "test",
          os: "test",
          enrolledBy: place.createdBy,
        },
        this.clock.now(),
      );
    } finally {
      await store.close();
    }
  }

  async upload(token: string, device: Device, entries: readonly unknown[]): Promise<Reply> {
    await this.enrolled(device);
    return this.call("POST", "/v1/entries:batch", { body: device.batch(entries), token });
  }
}

export function newCheckpoint(id: string) {
  return {
    id,
    name: "Cổng thử nghiệm",
    kind: "office",
    phone: "0900000001",
    address: { units_version: "2025-07-01", province_code: "01", commune_code: "00004", line: "Số 1 Phố Thử" },
    retention_days: 30,
    confirm: true,
  };
}

/** A station that makes entries as the wire wants them. */
export class Device {
  readonly id = randomUUID();
  readonly bootId = randomUUID();
  readonly checkpointId: string;
  readonly clock: { now(): number };
  #seq = 0;
  constructor(checkpointId: string, clock: { now(): number }) {
    this.checkpointId = checkpointId;
    this.clock = clock;
  }

  entry(changes: Partial<WireEntry> = {}): WireEntry {
    this.#seq += 1;
    const made = {
      id: randomUUID(),
      seq: this.#seq,
      kind: "cccd" as const,
      direction: "in" as const,
      checkpoint_id: this.checkpointId,
      staff_ref: null,
      reader_label: "Cổng 1",
      reader_id: "Cổng 1",
      boot_id: this.bootId,
      mono_ms: this.clock.now(),
      wall_ms: this.clock.now(),
      clock_state: "synced" as const,
      marks: [],
      raw_b64: Buffer.from("079099000001||Nguyễn Thị Mẫu|01011990|Nữ|Số 1 Phố Thử|01012021").toString("base64"),
      fields: { citizenNumber: "079099000001", fullName: "Nguyễn Thị Mẫu", dateOfBirth: "1990-01-01" },
      ...changes,
    };
    return { ...made, sha256: changes.sha256 ?? createHash("sha256").update(contentOf(made)).digest("hex") };
  }

  person(number: string, fullName: string, changes: Partial<WireEntry> = {}): WireEntry {
    return this.entry({
      raw_b64: Buffer.from(`${number}||${fullName}`).toString("base64"),
      fields: { citizenNumber: number, fullName },
      ...changes,
    });
  }

  batch(entries: readonly unknown[]) {
    return {
      batch_id: randomUUID(),
      device_id: this.id,
      sent: { boot_id: this.bootId, mono_ms: this.clock.now(), wall_ms: this.clock.now() },
      entries,
    };
  }
}

export interface StreamEvent {
  readonly name: string;
  readonly id: string | null;
  /** Tests look into events of every shape. */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly data: any; // oxlint-disable-line typescript/no-explicit-any
}

/** An open live list; `events` grows as they arrive. */
export class OpenStream implements AsyncDisposable {
  readonly events: StreamEvent[] = [];
  ended = false;
  readonly #abort = new AbortController();

  static async open(
    rig: Rig,
    checkpointId: string,
    token: string,
    lastId?: string,
    query = "",
    key?: ProofKey,
  ): Promise<OpenStream> {
    const stream = new OpenStream();
    const response = await rig.request("GET", `/v1/checkpoints/${checkpointId}/entries:stream${query}`, {
      headers: { accept: "text/event-stream", ...(lastId === undefined ? {} : { "last-event-id": lastId }) },
      token,
      ...(key === undefined ? {} : { key }),
      signal: stream.#abort.signal,
    });
    const type = response.headers.get("content-type") ?? "";
    if (response.status !== 200 || !type.startsWith("text/event-stream") || !response.body) {
      throw new Error(`No stream: ${response.status} ${await response.text()}`);
    }
    void stream.#read(response.body);
    return stream;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // Cut off by the test or by the service.
    }
    this.ended = true;
  }

  #take(block: string): void {
    const line = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? null;
    const data = line("data");
    if (data !== null) this.events.push({ name: line("event") ?? "", id: line("id"), data: JSON.parse(data) });
  }

  named(name: string): StreamEvent[] {
    return this.events.filter((event) => event.name === name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
  }
}
