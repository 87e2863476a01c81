import { newProofKey, type ProofKey, proofKeyOf } from "../../contract/dpop.ts";

/**
 * The key that this browser's tokens are bound to. Its private part cannot be read, not even by this page: what could
 * be copied off is of no use elsewhere. It lies in the browser's database; where there is none (a private window, a
 * full disk) it lasts as long as the page.
 */
let key: Promise<ProofKey> | null = null;

export function browserKey(): Promise<ProofKey> {
  key ??= keptKey().catch(() => newProofKey());
  return key;
}

const store = "keys";
const name = "dpop";

async function keptKey(): Promise<ProofKey> {
  const database = await openDatabase();
  try {
    const known: unknown = await answerOf(database.transaction(store).objectStore(store).get(name));
    const pair = isPair(known) ? known : await firstKept(database, await newPair());
    return await proofKeyOf(pair);
  } finally {
    database.close();
  }
}

/** Keeps `made` unless another tab was faster; the pair that is kept. */
async function firstKept(database: IDBDatabase, made: CryptoKeyPair): Promise<CryptoKeyPair> {
  const keys = database.transaction(store, "readwrite", { durability: "strict" }).objectStore(store);
  const known: unknown = await answerOf(keys.get(name));
  if (isPair(known)) return known;
  await answerOf(keys.put(made, name));
  return made;
}

const newPair = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);

function isPair(value: unknown): value is CryptoKeyPair {
  return typeof value === "object" && value !== null && "privateKey" in value && value.privateKey instanceof CryptoKey;
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open("tram-qr", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(store);
  return answerOf(request);
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser's database failed."));
  });
}
