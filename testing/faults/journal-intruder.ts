import { randomUUID } from "node:crypto";
import path from "node:path";
import Database from "better-sqlite3";

/** Another program that has opened a station's journal while the agent runs: this process is not the agent's. */
export class JournalIntruder implements Disposable {
  readonly database: Database.Database;
  #isHolding = false;

  constructor(dataDir: string) {
    this.database = new Database(path.join(dataDir, "journal.db"), { fileMustExist: true, timeout: 5_000 });
  }

  /** Whether the write lock is held here. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** Begins to write and does not come to an end: nobody else can write. */
  lock(): void {
    this.database.exec("BEGIN IMMEDIATE");
    this.#isHolding = true;
  }

  /** Begins to read and does not come to an end: from here on no checkpoint can start the log anew. */
  holdSnapshot(): void {
    this.database.exec("BEGIN");
    this.database.prepare("SELECT count(*) FROM entry").get();
  }

  /** Copies the newest row under the next number and another id, as a tool would that knows nothing of seals. */
  writeRowOfItsOwn(): void {
    const row = this.database.prepare("SELECT * FROM entry ORDER BY seq DESC LIMIT 1").get() as Record<string, unknown>;
    const copy = { ...row, seq: Number(row.seq) + 1, id: randomUUID(), state: 0 };
    const names = Object.keys(copy);
    this.database
      .prepare(`INSERT INTO entry (${names.join()}) VALUES (${names.map((name) => `@${name}`).join()})`)
      .run(copy);
  }

  /** Ends what {@link lock} or {@link holdSnapshot} began. */
  release(): void {
    this.#isHolding = false;
    if (this.database.inTransaction) this.database.exec("ROLLBACK");
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}
