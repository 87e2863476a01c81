import Database from "better-sqlite3";
import { CentralFault, codeOf } from "../fault.ts";
import { type ChainHead, chainStart, recordHash } from "./access-record-store.ts";
import type { Tables } from "./tables.ts";

type Row = Tables["access_record"];

export interface ChainCheck {
  readonly records: number;
  readonly head: ChainHead;
  /** One sentence for each fault, in the order of the chain. */
  readonly faults: readonly string[];
}

/** Rows looked at for one that stands in a wrong place. */
const searched = 1000;

/**
 * Checks the chain of access records in a database file, also while the service runs; it needs no key.
 * `heads` are ends of the chain as they were told at some time: a cut or rewritten end is seen only by them.
 * @throws CentralFault when the file cannot be read.
 */
export function checkAccessRecords(path: string, heads: readonly ChainHead[]): ChainCheck {
  let database: Database.Database;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true });
  } catch (cause) {
    throw new CentralFault(`Cannot read the database ${path} (${codeOf(cause)}): name it with --database.`, { cause });
  }
  try {
    return checkRows(database, heads);
  } catch (cause) {
    throw new CentralFault(`Cannot read the access log in ${path} (${codeOf(cause)}): put back a backup beside it.`, {
      cause,
    });
  } finally {
    database.close();
  }
}

function checkRows(database: Database.Database, heads: readonly ChainHead[]): ChainCheck {
  const window = database.prepare<[number, number], Row>(
    "SELECT * FROM access_record WHERE seq BETWEEN ? AND ? ORDER BY seq",
  );
  const told = new Map(heads.map(({ seq, hash }) => [seq, hash]));
  const faults: string[] = [];
  let records = 0;
  let last: ChainHead = { seq: 0, hash: chainStart };
  // What the next record must be bound to; null where that record is missing.
  let before: string | null = chainStart;
  for (const row of database.prepare<[], Row>("SELECT * FROM access_record ORDER BY seq").iterate()) {
    records += 1;
    if (row.seq !== last.seq + 1) {
      faults.push(missing(last.seq + 1, row.seq - 1));
      before = null;
    }
    const bound: string | null = before;
    before = row.hash;
    if (bound !== null && recordHash(row, bound) !== row.hash) {
      const near = window.all(row.seq - searched, row.seq + searched);
      const moved: Row | undefined = near.find((other) => recordHash({ ...other, seq: row.seq }, bound) === other.hash);
      if (moved) {
        faults.push(`Record ${row.seq} was moved: it stands as number ${moved.seq}.`);
        before = moved.hash;
      } else {
        faults.push(`Record ${row.seq} was changed, or does not follow the record before it.`);
      }
    }
    const wanted = told.get(row.seq);
    if (wanted !== undefined && wanted !== row.hash) {
      faults.push(`Record ${row.seq} is another one than the log file told of: the chain was written anew.`);
    }
    last = { seq: row.seq, hash: row.hash };
  }
  const newest = Math.max(0, ...told.keys());
  if (newest > last.seq) faults.push(`${missing(last.seq + 1, newest).slice(0, -1)}: the end was cut off.`);
  return { records, head: last, faults };
}

function missing(from: number, to: number): string {
  return from === to ? `Record ${from} is missing.` : `Records ${from} to ${to} are missing.`;
}
