import path from "node:path";
import Database from "better-sqlite3";
import { deviceKeyFile, loadDeviceKey } from "../../agent/device-key.ts";
import { CredentialStore } from "../../agent/duty/credential-store.ts";
import type { KioskIntent } from "../../agent/kiosk-port/intent.ts";
import type { DutyView } from "../../agent/kiosk-port/view.ts";
import type { startCentral } from "../../central/server.ts";
import type { ProofKey } from "../../contract/dpop.ts";
import type { TokenReply } from "../../contract/people.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { Rig } from "../central-rig.ts";
import { deviceIdIn } from "../device-id.ts";
import { notInTime, Oracle } from "./oracle.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";
import { TcpProxy } from "./tcp-proxy.ts";

interface CentralLineOptions {
  readonly program?: string | undefined;
  readonly startCentral?: typeof startCentral | undefined;
}

const recoverWithinMs = 60_000;
const answerWithinMs = 2_000;

/** The real central service in this process, a place in it, and one real station there that nobody has signed in to. */
export class CentralLine implements AsyncDisposable {
  readonly rig: Rig;
  readonly oracle: Oracle;
  readonly proxy: TcpProxy;
  readonly station: StationUnderTest;
  readonly agent: AgentUnderTest;
  readonly owner: TokenReply;
  readonly checkpointId: string;
  /** Scans that were not answered, or not accepted, in time (I4): recording goes on whatever the sign-in does. */
  readonly notTaken: string[] = [];
  readonly #clock: { aheadMs: number };

  private constructor(
    parts: Pick<CentralLine, "rig" | "oracle" | "proxy" | "station" | "agent" | "owner" | "checkpointId">,
    clock: { aheadMs: number },
  ) {
    this.rig = parts.rig;
    this.oracle = parts.oracle;
    this.proxy = parts.proxy;
    this.station = parts.station;
    this.agent = parts.agent;
    this.owner = parts.owner;
    this.checkpointId = parts.checkpointId;
    this.#clock = clock;
  }

  static async start({ program, startCentral }: CentralLineOptions = {}): Promise<CentralLine> {
    const clock = { aheadMs: 0 };
    const rig = await Rig.start({ clock: { now: () => Date.now() + clock.aheadMs } }, startCentral);
    const { owner, checkpointId } = await rig.checkpoint();
    const proxy = await TcpProxy.before(rig.url);
    const oracle = new Oracle();
    const station = new StationUnderTest({
      oracle,
      central: proxy.url,
      signedIn: false,
      config: { checkpointId },
      ...(program === undefined ? {} : { program }),
    });
    const agent = await station.start();
    await rig.enrolled({ id: deviceIdIn(station.dataDir), checkpointId });
    return new CentralLine({ rig, oracle, proxy, station, agent, owner, checkpointId }, clock);
  }

  /** Lets this much time pass at the centre. */
  advance(ms: number): void {
    this.#clock.aheadMs += ms;
  }

  /** Adds a staff member; the id of the grant. */
  async addStaff(phone: string): Promise<string> {
    const { staffId } = await this.rig.staff(this.owner, this.checkpointId, phone);
    this.advance(61_000);
    return staffId;
  }

  /** Signs in at the station's screen, with the code that was sent or another one; what the screen shows then. */
  async signIn(phone: string, code = () => this.rig.codes.get(phone) ?? ""): Promise<DutyView> {
    const asked = await this.#step({ kind: "sign-in", phone }, "sending");
    if (asked.state !== "code-sent") return asked;
    return this.#step({ kind: "verify", code: code() }, "verifying");
  }

  /** Holds one more card; its entry, "" when it was not accepted in time. */
  async scan(): Promise<string> {
    const issued = this.oracle.issue();
    const fromMs = performance.now();
    const outcome = await this.agent.scan(issued);
    const ms = Math.round(performance.now() - fromMs);
    if (outcome?.verdict !== "accept" || ms > answerWithinMs) {
      this.notTaken.push(`card ${issued.index}: ${outcome?.verdict ?? "no answer"} after ${ms} ms`);
    }
    return outcome?.entryId ?? "";
  }

  /** Entries at the centre, and who brought each. */
  held(): ReadonlyMap<string, string> {
    const database = new Database(this.rig.databasePath, { readonly: true });
    try {
      const rows = database.prepare("SELECT id, uploaded_by FROM entry").all() as { id: string; uploaded_by: string }[];
      return new Map(rows.map(({ id, uploaded_by }) => [id, uploaded_by]));
    } finally {
      database.close();
    }
  }

  /** Whether an entry is in lists and counts: one that was made without a right waits for the owner. */
  counts(id: string): boolean {
    const database = new Database(this.rig.databasePath, { readonly: true });
    try {
      const review = database.prepare("SELECT review FROM entry WHERE id = ?").pluck().get(id);
      return review === null || review === "accepted";
    } finally {
      database.close();
    }
  }

  /** A finding when this entry is not at the centre in time, and known to be there by the station. */
  arrives(id: string, withinMs = recoverWithinMs): Promise<string[]> {
    return notInTime(
      `${id} is at the centre and acknowledged`,
      () => this.held().has(id) && this.#isAcknowledged(id),
      withinMs,
    );
  }

  /** What the station keeps of its sign-in; a thief of its disk has the same. */
  storedTokens(): { access: string; refresh: string } {
    const keys = loadStationKeys(path.join(this.station.dataDir, "station.key"), false);
    const { content } = new CredentialStore(path.join(this.station.dataDir, "duty.sealed"), keys.duty).read();
    const tokens = content.members[0]?.tokens;
    return { access: tokens?.accessToken ?? "", refresh: tokens?.refreshToken ?? "" };
  }

  /** The station's own key, as whoever copies the whole data folder has it. */
  async stationKey(): Promise<ProofKey> {
    const keys = loadStationKeys(path.join(this.station.dataDir, "station.key"), false);
    const { key } = await loadDeviceKey(path.join(this.station.dataDir, deviceKeyFile), {
      station: keys.device,
      credentialsDirectory: undefined,
    });
    return key;
  }

  /** Shows a refresh token from another machine, under this key. */
  refreshElsewhere(token: string, key: ProofKey) {
    const body = { grant_type: "refresh_token", refresh_token: token };
    return this.rig.call("POST", "/v1/auth/token", { body, key });
  }

  /** Entries accepted here that the centre does not have and that no one put aside. */
  missing(): string[] {
    const held = this.held();
    const aside = new Set(
      this.station
        .journal()
        .entries.filter(({ state }) => state === "quarantined")
        .map(({ id }) => id),
    );
    return [...this.oracle.acceptedIds]
      .filter((id) => !held.has(id) && !aside.has(id))
      .map((id) => `${id} was accepted and is not at the centre`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.station[Symbol.asyncDispose]();
    await this.proxy[Symbol.asyncDispose]();
    await this.rig[Symbol.asyncDispose]();
  }

  #isAcknowledged(id: string): boolean {
    const state = this.station.journal().entries.find((entry) => entry.id === id)?.state;
    return state === "stored" || state === "duplicate";
  }

  /** What the screen shows after `passing`, which this intent begins. */
  async #step(intent: KioskIntent, passing: DutyView["state"]): Promise<DutyView> {
    const client = await this.agent.client();
    const begun = client.next(
      (message) => (message.type === "view" && message.view.duty.state === passing) || undefined,
      recoverWithinMs,
      passing,
    );
    client.send(intent);
    await begun;
    return client.view(({ duty }) => (duty.state === passing ? undefined : duty), recoverWithinMs, `end of ${passing}`);
  }
}

/** What the screen says of the sign-in, in English. */
export const saidOf = (duty: DutyView): string => ("message" in duty && duty.message ? duty.message.en : "");
