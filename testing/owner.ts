import { writeFileSync } from "node:fs";
import path from "node:path";
import {
  loadOwnerKey,
  loadOwnerPrivateKey,
  makeOwnerKeyPair,
  type OwnerKey,
  type OwnerPrivateKey,
} from "../provisioning/owner-key.ts";

export const passphrase = "một câu để thử";

/** An owner of a test: the key pair, and the files it lies in. */
export interface TestOwner {
  readonly publicKey: OwnerKey;
  readonly privateKey: OwnerPrivateKey;
  readonly publicFile: string;
  readonly privateFile: string;
}

export async function makeOwner(folder: string, name = "owner"): Promise<TestOwner> {
  const { publicPem, privatePem } = makeOwnerKeyPair(passphrase);
  const publicFile = path.join(folder, `${name}.pub.pem`);
  const privateFile = path.join(folder, `${name}.pem`);
  writeFileSync(publicFile, publicPem);
  writeFileSync(privateFile, privatePem);
  return {
    publicKey: loadOwnerKey(publicFile),
    privateKey: await loadOwnerPrivateKey(privateFile, async () => passphrase),
    publicFile,
    privateFile,
  };
}
