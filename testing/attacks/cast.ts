import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { OtpPurpose } from "../../central/otp-senders.ts";
import type { CentralOptions } from "../../central/server.ts";
import { openStore } from "../../central/store/store.ts";
import { newProofKey, type ProofKey } from "../../contract/dpop.ts";
import type { TokenReply } from "../../contract/people.ts";
import { type CallOptions, Device, newCheckpoint, type Reply, Rig } from "../central-rig.ts";
import { until } from "../until.ts";

/** Somebody who calls: with a token, under a key, or with neither. */
export interface Caller {
  readonly name: string;
  readonly token?: string;
  readonly key?: ProofKey;
}

export const nobody: Caller = { name: "nobody" };

export interface Person extends Caller {
  readonly phone: string;
  readonly token: string;
  readonly key: ProofKey;
  readonly reply: TokenReply;
  /** Their grant, where an owner gave it. */
  readonly staffId?: string;
}

/** An enrolled machine and its own credential. */
export interface Machine extends Caller {
  readonly token: string;
  readonly key: ProofKey;
  readonly station: Device;
}

/** One call of an attack and what came of it. */
interface Attempt {
  readonly requestId: string;
  readonly line: string;
  readonly reply: Reply;
}

/** Values that must be found nowhere but where they belong. Invented. */
export const canaries = {
  ownerPhone: "0907111221",
  staffPhone: "0907111222",
  strangerPhone: "0907111223",
  staffName: "Quách Thị Chim Hoàng Yến",
  visitorName: "Đỗ Văn Hoàng Anh Vũ",
  visitorNumber: "079188777661",
  placePhone: "02871118822",
} as const;

/**
 * A real service with two owners who know nothing of each other, each with a place, a supervisor and a scanner, and
 * everything that was said to and by it kept, so that a test can ask whether an attempt was refused, whether the log
 * tells of it, and whether anything leaked.
 */
export class Cast implements AsyncDisposable {
  readonly rig: Rig;
  readonly attempts: Attempt[] = [];
  /** Every secret that was handed out. */
  readonly secrets = new Set<string>();
  ownerA!: Person;
  ownerB!: Person;
  supervisorA!: Person;
  scannerA!: Person;
  scannerB!: Person;
  deviceA!: Machine;
  deviceB!: Machine;
  official!: Person;
  #phones = 0;
  #asksOpen: string | null = null;
  readonly #asked = new Set<string>();
  readonly placeA = randomUUID();
  readonly placeB = randomUUID();

  private constructor(rig: Rig) {
    this.rig = rig;
  }

  static async gather(options: Partial<CentralOptions> = {}): Promise<Cast> {
    const cast = new Cast(await Rig.start(options));
    cast.ownerA = await cast.signIn("owner of A", canaries.ownerPhone, "owner");
    cast.ownerB = await cast.signIn("owner of B", "0907222331", "owner");
    await cast.must(cast.ownerA, "POST", "/v1/checkpoints", placeNamed(cast.placeA, "Nhà máy Hoa Sứ"));
    await cast.must(cast.ownerB, "POST", "/v1/checkpoints", placeNamed(cast.placeB, "Chợ Bến Vắng"));
    cast.deviceA = await cast.enrol("device of A", cast.ownerA, cast.placeA);
    cast.deviceB = await cast.enrol("device of B", cast.ownerB, cast.placeB);
    cast.supervisorA = await cast.hire(cast.ownerA, cast.placeA, "supervisor", { phone: "0907111224" });
    // Scanners sign in on their machines: their tokens are bound to the machine's key.
    const atA = { phone: canaries.staffPhone, name: canaries.staffName, key: cast.deviceA.key };
    cast.scannerA = await cast.hire(cast.ownerA, cast.placeA, "scanner", atA);
    cast.scannerB = await cast.hire(cast.ownerB, cast.placeB, "scanner", {
      phone: "0907222332",
      key: cast.deviceB.key,
    });
    await cast.makeOfficial("0907333441");
    cast.official = await cast.signIn("official", "0907333441", "official");
    return cast;
  }

  /** As the operator does on the centre's own machine: through its database. */
  async makeOfficial(phone: string): Promise<void> {
    const { store } = openStore(`sqlite:${this.rig.databasePath}`, this.rig.clock);
    await store.officials.add(await store.staff.personOf(phone, this.rig.clock.now()), "counts", ["01"]);
    await store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }

  /** One call as somebody; each has an id of its own, by which its line in the log is found. */
  async call(as: Caller, method: string, where: string, options: CallOptions = {}): Promise<Reply> {
    const requestId = `attack-${randomUUID()}`;
    // Calls about tokens are proved with the key alone.
    const token = where.startsWith("/v1/auth/") ? undefined : as.token;
    const reply = await this.rig.call(method.toUpperCase(), where, {
      ...options,
      ...(token === undefined ? {} : { token }),
      ...(as.key === undefined ? {} : { key: as.key }),
      headers: { "x-request-id": requestId, ...options.headers },
    });
    this.attempts.push({ requestId, line: `${as.name}: ${method} ${where}`, reply });
    return reply;
  }

  /** A call that may be answered by a stream: what is there at once is all that is looked at. */
  async glance(as: Caller, method: string, where: string, options: CallOptions = {}): Promise<Reply> {
    const requestId = `attack-${randomUUID()}`;
    const leave = new AbortController();
    const response = await this.rig.request(method.toUpperCase(), where, {
      ...options,
      ...(as.token === undefined ? {} : { token: as.token }),
      ...(as.key === undefined ? {} : { key: as.key }),
      headers: { "x-request-id": requestId, ...options.headers },
      signal: leave.signal,
    });
    const isStream = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
    const text = isStream ? "" : await response.text();
    leave.abort();
    const json = /json/.test(response.headers.get("content-type") ?? "");
    const reply = { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : null };
    // A stream has its line in the log when it ends.
    if (!isStream) this.attempts.push({ requestId, line: `${as.name}: ${method} ${where}`, reply });
    return reply;
  }

  /** A call that is part of the story, not of an attack. */
  async must(
    as: Caller,
    method: string,
    where: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const reply = await this.call(as, method, where, { headers, ...(body === undefined ? {} : { body }) });
    if (reply.status >= 300) throw new Error(`${as.name}: ${method} ${where}: ${reply.status} ${reply.text}`);
    return reply;
  }

  /** Signs a phone in under a key of its own unless told; the second code to a phone waits its minute. */
  async signIn(name: string, phone: string, audience: OtpPurpose, ownKey?: ProofKey): Promise<Person> {
    const key = ownKey ?? (await newProofKey());
    const as: Caller = { name, key };
    if (this.#asked.has(phone)) this.rig.clock.advance(61_000);
    this.#asked.add(phone);
    const challenge = await this.must(as, "POST", "/v1/auth/otp", { phone, audience });
    const code = this.rig.codes.get(phone) ?? "";
    const reply = await this.must(as, "POST", "/v1/auth/otp:verify", {
      challenge_id: challenge.body.challenge_id,
      code,
    });
    const tokens = reply.body as TokenReply;
    this.secrets.add(tokens.access_token).add(tokens.refresh_token);
    return { name, key, phone, token: tokens.access_token, reply: tokens };
  }

  /** Adds a phone to a place and signs it in. */
  async hire(
    owner: Person,
    placeId: string,
    role: "scanner" | "supervisor" | "owner",
    { phone = this.nextPhone(), name = "Nhân viên thử", key }: { phone?: string; name?: string; key?: ProofKey } = {},
  ): Promise<Person> {
    const staffId = await this.addMember(owner, placeId, role, phone, name);
    return { ...(await this.signIn(`${role} ${phone.slice(-3)}`, phone, "staff", key)), staffId };
  }

  async addMember(
    owner: Person,
    placeId: string,
    role: string,
    phone = this.nextPhone(),
    name = "Nhân viên thử",
  ): Promise<string> {
    const id = randomUUID();
    await this.must(owner, "POST", `/v1/checkpoints/${placeId}/staff`, { id, phone, display_name: name, role });
    return id;
  }

  /** A phone nobody has used yet. */
  nextPhone(): string {
    this.#phones += 1;
    return `09083${String(this.#phones).padStart(5, "0")}`;
  }

  /** A scanner of place A who may be removed. */
  spareMember(): Promise<string> {
    return this.addMember(this.ownerA, this.placeA, "scanner");
  }

  /** A machine that waits for an owner's decision. */
  async waiting(station = new Device(this.placeA, this.rig.clock)): Promise<{
    readonly station: Device;
    readonly key: ProofKey;
    readonly deviceCode: string;
    readonly userCode: string;
    readonly fingerprint: string;
  }> {
    const key = await newProofKey();
    const body = {
      device_id: station.id,
      public_key: key.publicJwk,
      model: "Máy thử",
      app_version: "0.1.0",
      os: "Linux",
    };
    const reply = await this.must({ name: "new machine", key }, "POST", "/v1/devices:enrol", body);
    const { device_code, user_code, key_fingerprint } = reply.body;
    this.secrets.add(device_code);
    return { station, key, deviceCode: device_code, userCode: user_code, fingerprint: key_fingerprint };
  }

  /** Enrols a machine as its owner does, and takes its own credential. */
  async enrol(name: string, owner: Person, placeId: string): Promise<Machine & { readonly version: number }> {
    const { station, key, userCode, fingerprint } = await this.waiting(new Device(placeId, this.rig.clock));
    const approval = { user_code: userCode, checkpoint_id: placeId, name: "Cổng thử", key_fingerprint: fingerprint };
    const approved = await this.must(owner, "POST", "/v1/devices:approve", approval);
    const asks: Caller = { name, key };
    const { access_token } = (
      await this.must(asks, "POST", "/v1/auth/token", { grant_type: "device", device_id: station.id })
    ).body;
    this.secrets.add(access_token);
    return { name, key, token: access_token, station, version: approved.body.version };
  }

  /** An enrolled machine of place A that may be spoilt. */
  async enrolledSpare(): Promise<{ id: string; version: number }> {
    const { station, version } = await this.enrol("spare machine", this.ownerA, this.placeA);
    return { id: station.id, version };
  }

  figures() {
    return {
      unsent: 0,
      oldest_unsent_s: null,
      quarantined: 0,
      last_seq: 0,
      last_acknowledged_seq: 0,
      journal_state: "sound",
      disk_free_bytes: 1,
      wal_bytes: 0,
      fsync_p99_ms: null,
      app_version: "0.1.0",
      schema_version: 1,
      clock_offset_ms: 0,
      clock_state: "synced",
      key_backend: "file",
      boot_id: "boot-1",
    };
  }

  subjectRequest(kind: "access" | "erase") {
    return { id: randomUUID(), kind, subject: { citizen_number: canaries.visitorNumber }, reason: "đơn số 7" };
  }

  /** A request that owner A took down; the same one until it was worked on: an owner takes down so many a day. */
  async askedBySubject(): Promise<string> {
    if (this.#asksOpen === null) {
      const body = this.subjectRequest("access");
      await this.must(this.ownerA, "POST", "/v1/subject-requests", body);
      this.#asksOpen = body.id;
    }
    return this.#asksOpen;
  }

  /** Somebody has worked on it. */
  askedIsDone(): void {
    this.#asksOpen = null;
  }

  /**
   * Every attempt stands in the log with its status, and no value of anybody stands where it must not.
   *
   * @throws Error naming each that is missing, or each leak
   */
  async mustBeToldAndTight(): Promise<void> {
    await until("every attempt in the log", () => {
      const missing = this.#unlogged();
      if (missing.length > 0) throw new Error(missing.slice(0, 5).join("; "));
      return true;
    });
    const leaks = this.leaksOf([...Object.values(canaries), ...this.secrets]);
    if (leaks.length > 0) throw new Error(`Leaked: ${leaks.slice(0, 5).join("; ")}`);
  }

  /** Attempts of whose status the log does not tell. A call with an old nonce is sent again under the same id. */
  #unlogged(): string[] {
    const statuses = new Map<string, number>();
    for (const line of this.rig.log.split("\n").filter((each) => each.includes('"answered"'))) {
      const { reqId, status } = JSON.parse(line) as { reqId: string; status: number };
      statuses.set(reqId, status);
    }
    return this.attempts
      .filter(({ requestId, reply }) => statuses.get(requestId) !== reply.status)
      .map(({ line, reply }) => `${line.slice(0, 120)}: ${reply.status}`);
  }

  /**
   * Where any of these values stands although it must not: the service's log, its files, the addresses that were called,
   * and the bodies of all its problems.
   */
  leaksOf(values: readonly string[]): string[] {
    const places: [string, string][] = [
      ["the log", this.rig.log],
      ["an address", this.attempts.map(({ line }) => line).join("\n")],
      [
        "a problem",
        this.attempts
          .filter(({ reply }) => reply.status >= 400)
          .map(({ reply }) => reply.text)
          .join("\n"),
      ],
      ...filesIn(this.rig.folder),
    ];
    return places.flatMap(([where, text]) =>
      values.filter((value) => value !== "" && text.includes(value)).map((value) => `${value} in ${where}`),
    );
  }
}

/** Every file as text of one character a byte, with the value searched for in UTF-8 read the same way. */
function filesIn(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => {
      const file = path.join(one.parentPath, one.name);
      return [path.relative(folder, file), readFileSync(file).toString("utf8")];
    });
}

export function placeNamed(id: string, name: string) {
  return { ...newCheckpoint(id), name, phone: canaries.placePhone };
}

/** The stable name of a problem, null for anything else. */
export const problemOf = (reply: Reply): string | null =>
  typeof reply.body?.type === "string" ? reply.body.type.split("/").at(-1) : null;
