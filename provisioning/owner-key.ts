import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { AgentError } from "./agent-error.ts";

/** NIST SP 800-57 part 1, table 2: 128 bits of strength, good beyond 2030. */
const modulusBits = 3072;

/** The owner's public key: what the station needs to leave a way in for the owner. */
export interface OwnerKey {
  /** SPKI, PEM. */
  readonly pem: string;
  /** First 16 hex digits of the SHA-256 of the key's SPKI (DER): says which key it is, nothing of the private part. */
  readonly fingerprint: string;
}

/** The owner's private key, as a recovery holds it in memory. */
export interface OwnerPrivateKey {
  readonly key: KeyObject;
  readonly fingerprint: string;
}

function fingerprintOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 16);
}

/** An RSA key that is long enough; null for anything else. */
function isStrongRsa(key: KeyObject): boolean {
  return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= modulusBits;
}

/**
 * Reads the owner's public key.
 *
 * @throws AgentError `key.owner` with one sentence
 */
export function loadOwnerKey(file: string): OwnerKey {
  return parseOwnerKey(readText(file, "public"), file);
}

/** The same of a text; `file` is what the sentence calls it. */
export function parseOwnerKey(text: string, file: string): OwnerKey {
  if (/PRIVATE KEY/.test(text)) {
    throw new AgentError(
      "key.owner",
      `The file ${file} holds the owner's private key; take it off this machine and name the file with the public key.`,
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (cause) {
    throw new AgentError(
      "key.owner",
      `The owner's public key ${file} is not a PEM public key; make a pair with "tram journal owner-key" and name its .pub.pem file.`,
      { cause },
    );
  }
  if (!isStrongRsa(key)) {
    throw new AgentError(
      "key.owner",
      `The owner's public key ${file} must be RSA of ${modulusBits} bits or more; make a pair with "tram journal owner-key".`,
    );
  }
  return { pem: String(key.export({ type: "spki", format: "pem" })), fingerprint: fingerprintOf(key) };
}

/**
 * Reads the owner's private key; `askPassphrase` is called when it is encrypted.
 *
 * @throws AgentError `key.owner` with one sentence
 */
export async function loadOwnerPrivateKey(
  file: string,
  askPassphrase: () => Promise<string>,
): Promise<OwnerPrivateKey> {
  const text = readText(file, "private");
  const isEncrypted = /ENCRYPTED/.test(text);
  const passphrase = isEncrypted ? await askPassphrase() : undefined;
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    throw new AgentError(
      "key.owner",
      isEncrypted
        ? `The owner's private key ${file} does not open: the passphrase is wrong or the file is damaged; try again.`
        : `The file ${file} is not a PEM private key; name the .pem file that "tram journal owner-key" has written.`,
      { cause },
    );
  }
  if (!isStrongRsa(key)) {
    throw new AgentError("key.owner", `The private key ${file} is not RSA of ${modulusBits} bits or more.`);
  }
  return { key, fingerprint: fingerprintOf(createPublicKey(key)) };
}

/** A new pair; the private part is PKCS #8, encrypted (PBES2, AES-256-CBC) with the passphrase. */
export function makeOwnerKeyPair(passphrase: string): { publicPem: string; privatePem: string; fingerprint: string } {
  const pair = generateKeyPairSync("rsa", { modulusLength: modulusBits });
  return {
    publicPem: String(pair.publicKey.export({ type: "spki", format: "pem" })),
    privatePem: String(pair.privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })),
    fingerprint: fingerprintOf(pair.publicKey),
  };
}

/** The public part of a private key. */
export function publicPartOf(owner: OwnerPrivateKey): OwnerKey {
  const key = createPublicKey(owner.key);
  return { pem: String(key.export({ type: "spki", format: "pem" })), fingerprint: owner.fingerprint };
}

/** RSA-OAEP with SHA-256 (RFC 8017, 7.1); `label` binds the wrap to its place. */
export function wrapForOwner(owner: OwnerKey, secret: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(publicEncrypt({ key: owner.pem, ...oaep(label) }, secret));
}

/** The reverse of {@link wrapForOwner}; null when the key, the label or a single bit differs. */
export function unwrapAsOwner(owner: OwnerPrivateKey, wrap: Uint8Array, label: string): Uint8Array | null {
  try {
    return new Uint8Array(privateDecrypt({ key: owner.key, ...oaep(label) }, wrap));
  } catch {
    return null;
  }
}

const oaep = (label: string) => ({
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: "sha256",
  oaepLabel: Buffer.from(label, "utf8"),
});

function readText(file: string, part: "public" | "private"): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new AgentError(
      "key.owner",
      `The owner's ${part} key ${file} cannot be read (${(cause as NodeJS.ErrnoException).code}); check the path.`,
      { cause },
    );
  }
}
