import path from "node:path";
import { systemClock } from "../../agent/clock.ts";
import { Journal } from "../../agent/journal/journal.ts";
import { CentralApi } from "../../agent/sync/central-api.ts";
import { Outbox, type OutboxStatus } from "../../agent/sync/outbox.ts";
import { newProofKey, type ProofKey } from "../../contract/dpop.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { checkpointId, draft, record } from "../drafts.ts";
import { temporaryFolder } from "../folder.ts";
import { until } from "../until.ts";
import type { Oracle } from "./oracle.ts";
import { readStoredJournal, type StoredJournal } from "./stored-journal.ts";

export interface OutboxInHandOptions {
  readonly oracle: Oracle;
  readonly central: string;
  readonly checkpointId?: string;
  readonly accessToken?: string;
  /** The key the token is bound to; any one before a scripted centre. */
  readonly key?: ProofKey;
  /** Chance of the back-off; 0 waits for nothing. */
  readonly random?: () => number;
}

/** What it calls itself before a centre. */
export const inHandDeviceId = "01900000-0000-7000-8000-0000000000aa";

/**
 * The product's journal, HTTP client and outbox in this process, over real files and sockets, where a fault strikes
 * hundreds of times and the back-off of a whole agent would be slept through each time. Its chance is given.
 */
export class OutboxInHand implements AsyncDisposable {
  readonly statuses: OutboxStatus[] = [];
  /** `outbox.*` lines of the log. */
  readonly logged: { readonly event: string; readonly facts: Record<string, unknown> }[] = [];
  readonly outbox: Outbox;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  readonly #journal: Journal;
  readonly #options: OutboxInHandOptions;
  #recorded = 0;

  private constructor(
    options: OutboxInHandOptions,
    key: ProofKey,
    folder: ReturnType<typeof temporaryFolder>,
    journal: Journal,
  ) {
    const clock = systemClock();
    this.#options = options;
    this.#folder = folder;
    this.#journal = journal;
    this.outbox = new Outbox({
      journal,
      api: new CentralApi(options.central, clock, key, () => {}),
      credential: {
        accessToken: () => options.accessToken ?? "access-1",
        renew: () => Promise.resolve("ended"),
        probe: () => Promise.resolve(true),
      },
      deviceId: inHandDeviceId,
      isEnrolled: () => true,
      clock,
      clockIsImpossible: () => false,
      random: options.random ?? (() => 0),
      onChange: (status) => this.statuses.push(status),
      log: (event, facts) => this.logged.push({ event, facts }),
    });
  }

  static async start(options: OutboxInHandOptions): Promise<OutboxInHand> {
    const folder = temporaryFolder();
    const keys = loadStationKeys(path.join(folder.path, "station.key"), true);
    const journal = await Journal.open({ file: path.join(folder.path, "journal.db"), keys, log: () => {} });
    const made = new OutboxInHand(options, options.key ?? (await newProofKey()), folder, journal);
    made.outbox.start();
    return made;
  }

  /** Records one more person and tells the outbox; the oracle hears it as accepted. */
  async record(): Promise<string> {
    this.#recorded++;
    // Nobody is on duty: a centre would keep the rows of staff it does not know for the owner, out of every list.
    const place = this.#options.checkpointId ?? checkpointId;
    const entry = draft(this.#recorded, { checkpointId: place, staffRef: null });
    const issued = this.#options.oracle.issueThis(Buffer.from(entry.body.rawB64, "base64").toString("utf8"));
    const { id } = await record(this.#journal, entry);
    this.#options.oracle.hear({ verdict: "accept", entryId: id }, issued);
    this.outbox.nudge();
    return id;
  }

  /** Waits until nothing is unsent. */
  async drained(withinMs?: number): Promise<void> {
    await until("the outbox is empty", () => this.#journal.figures.unsent === 0, withinMs);
  }

  get unsent(): number {
    return this.#journal.figures.unsent;
  }

  journal(): StoredJournal {
    return readStoredJournal(this.#folder.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.outbox.stop();
    await this.#journal.close();
    this.#folder[Symbol.dispose]();
  }
}
