import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type Database from "better-sqlite3";
import { z } from "zod";
import { AgentError } from "../../provisioning/agent-error.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
import { type OwnerPrivateKey, unwrapAsOwner, wrapForOwner } from "../../provisioning/owner-key.ts";
import { type StationKeys, seal, unseal } from "../../provisioning/secrets.ts";
import type { RowKeys } from "./row.ts";

/** A data key seals the rows of so long; then the next one is made. */
const dataKeyForMs = 30 * 24 * 3_600_000;
/** Second copy of the wrapped keys beside the journal: a bad sector under one of them must not cost a month of rows. */
export const dataKeysFile = "data-keys.json";

/**
 * Name of the station's own key of rows of schema 1 among the wrapped keys: it seals nothing new, and lies there so that
 * the owner can open those rows too.
 */
export const stationRowsKey = "station-rows";

/** Fact of the journal: the owner's public key as configured last (PEM), for commands that have no configuration. */
export const ownerKeyFact = "owner-key";

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array).transform((value) => new Uint8Array(value));
const base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, "base64")));

/** One data key as it lies on the disk: wrapped by the station, and by the owner where there is an owner key. */
export interface WrappedKey {
  readonly id: string;
  readonly madeAtMs: number;
  /** Fingerprint of the station key that wrapped it. */
  readonly deviceKey: string;
  readonly deviceWrap: Uint8Array;
  /** Fingerprint of the owner key that wrapped it. */
  readonly ownerKey: string | null;
  readonly ownerWrap: Uint8Array | null;
  /** The station's seal over all of the above: the owner's wrap cannot be tried here, its damage must show all the same. */
  readonly tag: Uint8Array;
}

const tableRow = z
  .object({
    id: z.string(),
    made_at: z.int(),
    device_key: z.string(),
    device_wrap: bytes,
    owner_key: z.string().nullable(),
    owner_wrap: bytes.nullable(),
    tag: bytes,
  })
  .transform(
    (row): WrappedKey => ({
      id: row.id,
      madeAtMs: row.made_at,
      deviceKey: row.device_key,
      deviceWrap: row.device_wrap,
      ownerKey: row.owner_key,
      ownerWrap: row.owner_wrap,
      tag: row.tag,
    }),
  );

const fileKey = z.object({
  id: z.string(),
  madeAtMs: z.int(),
  deviceKey: z.string(),
  deviceWrap: base64,
  ownerKey: z.string().nullable(),
  ownerWrap: base64.nullable(),
  tag: base64,
}) satisfies z.ZodType<WrappedKey>;
/** Each copy is looked at by itself: a spoilt one must not cost the others. */
const fileContent = z.object({ version: z.literal(1), keys: z.array(z.unknown()) });

/** What is known of the keys of a journal; nothing of the keys themselves. */
export interface KeyReport {
  /** Fingerprint of the configured owner key. */
  readonly ownerKey: string | null;
  readonly dataKeys: number;
  /** Data keys that the configured owner key cannot open. */
  readonly withoutOwner: number;
  /** Data keys that this station cannot open: `foreign` was wrapped by another station.key. */
  readonly unusable: readonly { readonly id: string; readonly why: "damaged" | "foreign" }[];
  /** Data keys of which a copy was damaged or missing and was made anew at this start. */
  readonly repaired: readonly string[];
  /** Copies of data keys that are not as they should be; the next start of the agent makes them anew. */
  readonly faults: readonly {
    readonly id: string;
    readonly copy: "journal" | "file";
    readonly why: "damaged" | "missing";
  }[];
  /** Fingerprints of the owner keys that open data keys here, whatever is configured. */
  readonly ownerKeys: readonly string[];
  /** Why the second copy could not be written, null when it was. */
  readonly copyFault: string | null;
}

interface KnownKey {
  readonly wrapped: WrappedKey;
  /** Null when the station cannot open it. */
  readonly key: KeyObject | null;
  readonly inTable: boolean;
}

/**
 * The random keys that seal the rows, one per 30 days. They lie in the journal itself, so that they travel with every
 * copy of it, and a second time in a file beside it. (Key envelope: NIST SP 800-57, key wrapping.)
 */
export class DataKeys implements RowKeys {
  readonly #database: Database.Database;
  readonly #file: string;
  readonly #keys: StationKeys;
  #known = new Map<string, KnownKey>();
  readonly #missing = new Set<string>();
  #repaired: string[] = [];
  #copyFault: string | null = null;

  /** `file` is the second copy. Reads only; see {@link DataKeys.settle}. */
  constructor(database: Database.Database, file: string, keys: StationKeys) {
    this.#database = database;
    this.#file = file;
    this.#keys = keys;
    this.#load();
  }

  /**
   * Once at each start of the writer: makes damaged copies anew, and wraps every data key for the owner key of today.
   *
   * @throws AgentError `key.damaged` when the newest row was sealed under another station.key
   */
  settle(): void {
    this.#refuseForeignKey();
    const inFile = new Map(wrappedInFile(this.#file).map((wrapped) => [wrapped.id, wrapped]));
    const inTable = new Map(wrappedInTable(this.#database).map((wrapped) => [wrapped.id, wrapped]));
    this.#wrapStationRows();
    const repaired: string[] = [];
    let isBehind = false;
    const mend = this.#database.transaction(() => {
      for (const [id, { wrapped, key }] of this.#known) {
        const copies = [inTable.get(id), inFile.get(id)];
        const isGood = (copy: WrappedKey | undefined): boolean =>
          copy !== undefined && (key === null || (this.#isSound(copy) && this.#isForOwner(copy)));
        if (copies.every(isGood)) continue;
        isBehind = true;
        // A sound copy is taken as it is: it may hold a way in for an owner whom this program was not told of.
        const sound = copies.find((copy) => copy !== undefined && key !== null && isGood(copy));
        const anew = sound ?? (key === null ? wrapped : this.#wrap(id, wrapped.madeAtMs, key));
        if (copies.some((copy) => copy !== undefined && key !== null && !this.#isSound(copy))) repaired.push(id);
        this.#put(anew);
        this.#known.set(id, { wrapped: anew, key, inTable: true });
      }
    });
    try {
      mend();
    } catch (error) {
      // A full disk, for one: the keys open as they are, the next start mends them.
      this.#copyFault = (error as { code?: string }).code ?? String(error);
      return this.#load();
    }
    this.#repaired = repaired;
    if (isBehind) this.#writeCopy();
  }

  /** Opens rows: the key of that id, null when the station cannot have it. */
  keyOf(dataKey: string | null): KeyObject | null {
    if (dataKey === null) return this.#keys.rows;
    if (!this.#known.has(dataKey) && !this.#missing.has(dataKey)) {
      // The writer may have made it since.
      this.#load();
      if (!this.#known.has(dataKey)) this.#missing.add(dataKey);
    }
    return this.#known.get(dataKey)?.key ?? null;
  }

  /** The key that seals what is recorded now; made when there is none of these days. Inside a transaction. */
  current(nowMs: number): { readonly id: string; readonly key: KeyObject } {
    let newest: (KnownKey & { readonly key: KeyObject }) | null = null;
    for (const known of this.#known.values()) {
      // A wrong clock comes back to the key it has used before.
      if (known.key === null || known.wrapped.id === stationRowsKey) continue;
      if (Math.abs(nowMs - known.wrapped.madeAtMs) >= dataKeyForMs) continue;
      if (newest === null || known.wrapped.madeAtMs > newest.wrapped.madeAtMs) newest = { ...known, key: known.key };
    }
    if (newest?.inTable) return { id: newest.wrapped.id, key: newest.key };
    const key = newest?.key ?? createSecretKey(randomBytes(32));
    const wrapped = newest?.wrapped ?? this.#wrap(randomBytes(8).toString("hex"), nowMs, key);
    this.#put(wrapped);
    this.#known.set(wrapped.id, { wrapped, key, inTable: true });
    this.#writeCopy();
    return { id: wrapped.id, key };
  }

  /** After a transaction was rolled back: a key that was made in it may not be in the file. */
  forget(): void {
    this.#load();
  }

  get report(): KeyReport {
    const all = [...this.#known.values()];
    return {
      ownerKey: this.#keys.owner?.fingerprint ?? null,
      dataKeys: all.length,
      withoutOwner: all.filter(({ wrapped }) => wrapped.ownerWrap === null || !this.#isForOwner(wrapped)).length,
      unusable: all
        .filter(({ key }) => key === null)
        .map(({ wrapped: { id, deviceKey } }) => ({
          id,
          why: deviceKey === this.#keys.fingerprint ? "damaged" : "foreign",
        })),
      repaired: this.#repaired,
      faults: this.#copyFaults(),
      ownerKeys: [...new Set(all.flatMap(({ wrapped }) => wrapped.ownerKey ?? []))],
      copyFault: this.#copyFault,
    };
  }

  #copyFaults(): KeyReport["faults"] {
    const inFile = new Map(wrappedInFile(this.#file).map((wrapped) => [wrapped.id, wrapped]));
    const inTable = new Map(wrappedInTable(this.#database).map((wrapped) => [wrapped.id, wrapped]));
    return [...this.#known].flatMap(([id, { key }]) => {
      if (key === null) return [];
      const [table, file] = [inTable.get(id), inFile.get(id)];
      return [
        // One that only the file has was made for a row that did not come about.
        ...(table !== undefined && !this.#isSound(table) ? [{ id, copy: "journal", why: "damaged" } as const] : []),
        ...(file === undefined ? [{ id, copy: "file", why: "missing" } as const] : []),
        ...(file !== undefined && !this.#isSound(file) ? [{ id, copy: "file", why: "damaged" } as const] : []),
      ];
    });
  }

  #load(): void {
    const inTable = wrappedInTable(this.#database);
    const inFile = wrappedInFile(this.#file);
    const ids = new Set(inTable.map(({ id }) => id));
    const known = new Map<string, KnownKey>();
    for (const wrapped of [...inTable, ...inFile]) {
      const before = known.get(wrapped.id);
      if (before !== undefined && before.key !== null) continue;
      const key = unwrapAsStation(this.#keys, wrapped);
      if (before === undefined || key !== null) {
        known.set(wrapped.id, { wrapped, key, inTable: ids.has(wrapped.id) });
      }
    }
    this.#known = known;
    this.#missing.clear();
  }

  #wrap(id: string, madeAtMs: number, key: KeyObject): WrappedKey {
    const { owner, wraps, fingerprint } = this.#keys;
    const plain = key.export();
    const untagged = {
      id,
      madeAtMs,
      deviceKey: fingerprint,
      deviceWrap: seal(wraps, plain, placeOf(id)),
      ownerKey: owner?.fingerprint ?? null,
      ownerWrap: owner === null ? null : wrapForOwner(owner, plain, placeOf(id)),
    };
    return { ...untagged, tag: seal(wraps, new Uint8Array(), taggedContent(untagged)) };
  }

  #isSound(wrapped: WrappedKey): boolean {
    return (
      unseal(this.#keys.wraps, wrapped.tag, taggedContent(wrapped)) !== null &&
      unwrapAsStation(this.#keys, wrapped) !== null
    );
  }

  /** An owner key that was taken out of the configuration leaves the wraps it has. */
  #isForOwner(wrapped: WrappedKey): boolean {
    const { owner } = this.#keys;
    return owner === null || wrapped.ownerKey === owner.fingerprint;
  }

  #put(wrapped: WrappedKey): void {
    this.#database
      .prepare(
        `INSERT INTO data_key (id, made_at, device_key, device_wrap, owner_key, owner_wrap, tag)
         VALUES (@id, @madeAtMs, @deviceKey, @deviceWrap, @ownerKey, @ownerWrap, @tag)
         ON CONFLICT (id) DO UPDATE SET made_at = excluded.made_at, device_key = excluded.device_key,
           device_wrap = excluded.device_wrap, owner_key = excluded.owner_key, owner_wrap = excluded.owner_wrap,
           tag = excluded.tag`,
      )
      .run(wrapped);
  }

  /** The journal is the truth; a second copy that cannot be written is told, it stops nobody. */
  #writeCopy(): void {
    const text = (part: Uint8Array): string => Buffer.from(part).toString("base64");
    // Of a key that does not open here nobody can tell which copy is the better one: the file keeps its own.
    const before = new Map(wrappedInFile(this.#file).map((wrapped) => [wrapped.id, wrapped]));
    const copies = [...this.#known].map(([id, { wrapped, key }]) =>
      key === null ? (before.get(id) ?? wrapped) : wrapped,
    );
    const content: z.input<typeof fileContent> = {
      version: 1,
      keys: copies.map(
        (wrapped): z.input<typeof fileKey> => ({
          ...wrapped,
          deviceWrap: text(wrapped.deviceWrap),
          ownerWrap: wrapped.ownerWrap === null ? null : text(wrapped.ownerWrap),
          tag: text(wrapped.tag),
        }),
      ),
    };
    try {
      writeDurably(this.#file, `${JSON.stringify(content, null, 1)}\n`);
      this.#copyFault = null;
    } catch (error) {
      this.#copyFault = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  /** Only where such rows are left: they are the oldest. */
  #wrapStationRows(): void {
    if (this.#known.has(stationRowsKey)) return;
    const oldest = this.#database.prepare("SELECT data_key IS NULL AS bare FROM entry ORDER BY seq LIMIT 1").get();
    if (!z.object({ bare: z.literal(1) }).safeParse(oldest).success) return;
    const wrapped = this.#wrap(stationRowsKey, 0, this.#keys.rows);
    this.#known.set(stationRowsKey, { wrapped, key: this.#keys.rows, inTable: false });
  }

  #refuseForeignKey(): void {
    const newest = z
      .object({ data_key: z.string() })
      .safeParse(this.#database.prepare("SELECT data_key FROM entry ORDER BY seq DESC LIMIT 1").get());
    const known = newest.success ? this.#known.get(newest.data.data_key) : undefined;
    if (known === undefined || known.key !== null || known.wrapped.deviceKey === this.#keys.fingerprint) return;
    throw foreignKeyFault();
  }
}

/** The rows beside this station.key were sealed under another one. */
export function foreignKeyFault(): AgentError {
  return new AgentError(
    "key.damaged",
    `The station.key in the data folder is not the one its journal was written with; put the right one back from your backup, or read the rows out with "tram journal recover" and the owner's private key; nothing was changed.`,
  );
}

/** The key inside, null when it was wrapped by another station or is damaged. */
export function unwrapAsStation(keys: StationKeys, { id, deviceWrap }: WrappedKey): KeyObject | null {
  return asKey(unseal(keys.wraps, deviceWrap, placeOf(id)));
}

/** The same with the owner's private key. */
export function unwrapDataKey(owner: OwnerPrivateKey, { id, ownerWrap }: WrappedKey): KeyObject | null {
  return ownerWrap === null ? null : asKey(unwrapAsOwner(owner, ownerWrap, placeOf(id)));
}

const asKey = (plain: Uint8Array | null): KeyObject | null => (plain === null ? null : createSecretKey(plain));

/** The wrapped keys in a journal; a journal of schema 1 has none. Rows beyond reading are left out. */
export function wrappedInTable(database: Database.Database): WrappedKey[] {
  if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'data_key'").get() === undefined) return [];
  return database
    .prepare("SELECT * FROM data_key")
    .all()
    .flatMap((row) => {
      const parsed = tableRow.safeParse(row);
      return parsed.success ? [parsed.data] : [];
    });
}

/** The second copies; a file that is not there or cannot be used has none. */
export function wrappedInFile(file: string): WrappedKey[] {
  if (!existsSync(file)) return [];
  try {
    return fileContent.parse(JSON.parse(readFileSync(file, "utf8"))).keys.flatMap((key) => {
      const parsed = fileKey.safeParse(key);
      return parsed.success ? [parsed.data] : [];
    });
  } catch {
    return [];
  }
}

/** Binds a wrap to its key's id. */
const placeOf = (id: string): string => JSON.stringify(["tram-qr data key", id]);

function taggedContent(wrapped: Omit<WrappedKey, "tag">): string {
  const text = (part: Uint8Array): string => Buffer.from(part).toString("base64");
  return JSON.stringify([
    "tram-qr wrapped data key",
    wrapped.id,
    wrapped.madeAtMs,
    wrapped.deviceKey,
    text(wrapped.deviceWrap),
    wrapped.ownerKey,
    wrapped.ownerWrap === null ? null : text(wrapped.ownerWrap),
  ]);
}
