import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { exportPKCS8, generateKeyPair, importPKCS8 } from "jose";
import { z } from "zod";
import { newProofKey, type ProofKey, proofAlgorithm, thumbprintOf } from "../contract/dpop.ts";
import { publicJwk } from "../contract/public-key.ts";
import { writeDurably } from "../provisioning/durable-file.ts";
import {
  type KeyBackend,
  keyBackends,
  type SealingSecrets,
  sealingKey,
  strongestBackend,
} from "../provisioning/key-sealing.ts";
import { seal, unseal } from "../provisioning/secrets.ts";

/** The key that this machine is enrolled with and all its tokens are bound to. */
export interface DeviceKey {
  readonly key: ProofKey;
  /** What guards the private part; `none`: a key of this run only, see `problem`. */
  readonly backend: KeyBackend | "none";
  /** One sentence when the kept key cannot be used: nothing is sent until it is back, recording goes on. */
  readonly problem: string | null;
}

export const deviceKeyFile = "device.key";

/** The file: nothing secret in clear. */
const kept = z.object({
  backend: z.enum(keyBackends),
  publicKey: publicJwk,
  /** PKCS#8 (PEM), sealed. */
  sealed: z.base64(),
});

const place = "tram-qr device-key";

/**
 * Reads the device key, or makes it at the very first start (mode 0400). A stronger backend than the file's is taken at
 * once. A key that cannot be opened is never replaced, because the centre knows the machine by it.
 */
export async function loadDeviceKey(file: string, secrets: SealingSecrets): Promise<DeviceKey> {
  if (!existsSync(file)) await keepDeviceKey(file, await newPrivateKey(), secrets);
  const found = await openDeviceKey(file, secrets);
  if (typeof found === "string") return { key: await newProofKey(), backend: "none", problem: found };
  const { key, backend, pem } = found;
  const strongest = strongestBackend(secrets);
  if (keyBackends.indexOf(strongest) > keyBackends.indexOf(backend)) await keepDeviceKey(file, pem, secrets);
  else return { key, backend, problem: null };
  return { key, backend: strongest, problem: null };
}

/** Seals a private key (PKCS#8, PEM) with the strongest backend of this start into `file`, durably. */
export async function keepDeviceKey(file: string, pem: string, secrets: SealingSecrets): Promise<void> {
  const backend = strongestBackend(secrets);
  const sealing = sealingKey(backend, secrets);
  if (sealing === null) throw new Error(`The secret of ${backend} is gone.`);
  const { publicJwk } = await signingKeyOf(pem);
  const sealed = Buffer.from(seal(sealing, Buffer.from(pem, "utf8"), place)).toString("base64");
  writeDurably(file, JSON.stringify({ backend, publicKey: publicJwk, sealed } satisfies z.infer<typeof kept>), 0o400);
}

/** What guards the key in `file`, told without opening it; null when the file cannot be read. */
export function backendOf(file: string): KeyBackend | null {
  const content = kept.safeParse(jsonIn(file));
  return content.success ? content.data.backend : null;
}

async function openDeviceKey(
  file: string,
  secrets: SealingSecrets,
): Promise<{ key: ProofKey; backend: KeyBackend; pem: string } | string> {
  const restore = "put it back from your backup, or delete it and enrol this machine anew";
  const content = kept.safeParse(jsonIn(file));
  if (!content.success) return `The device key ${file} cannot be read: ${restore}.`;
  const { backend, sealed } = content.data;
  const sealing = sealingKey(backend, secrets);
  if (sealing === null) {
    return `The device key ${file} is sealed with ${backend}, which was not given to this start: start it as before, or delete the file and enrol this machine anew.`;
  }
  const plain = unseal(sealing, Buffer.from(sealed, "base64"), place);
  if (plain === null) return `The device key ${file} does not open with this machine's ${backend}: ${restore}.`;
  const pem = Buffer.from(plain).toString("utf8");
  return { key: await signingKeyOf(pem), backend, pem };
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** A new private key as PKCS#8 (PEM). */
export async function newPrivateKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(proofAlgorithm, { extractable: true });
  return exportPKCS8(privateKey);
}

/** The key in memory signs and cannot be read out of its object. */
export async function signingKeyOf(pem: string): Promise<ProofKey> {
  const { kty, crv, x, y } = createPublicKey(pem).export({ format: "jwk" });
  const jwk = publicJwk.parse({ kty, crv, x, y });
  return { privateKey: await importPKCS8(pem, proofAlgorithm), publicJwk: jwk, thumbprint: await thumbprintOf(jwk) };
}
