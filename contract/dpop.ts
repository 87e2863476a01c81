import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import type { PublicJwk } from "./public-key.ts";

/**
 * Proof of possession of a key (RFC 9449): every token belongs to a key pair of its holder, and each call carries a
 * proof signed with it, so that a stolen token is worth nothing elsewhere. The centre's nonces stand in for the clock:
 * a machine that believes to be in 1970 makes good proofs. No zod here: a page under a strict policy makes proofs, too.
 */

/** Media type in the header of a proof. */
export const proofType = "dpop+jwt";
export const proofAlgorithm = "ES256";
/** Longest proof, characters; one for the longest address of this contract has about 700. */
export const maxProofLength = 2048;

type SigningKey = Parameters<typeof exportJWK>[0];

/** A key pair that can sign; the private part need not be readable. */
export interface ProofKey {
  readonly privateKey: SigningKey;
  readonly publicJwk: PublicJwk;
  /** RFC 7638: what the centre knows the key by. */
  readonly thumbprint: string;
}

/** What a proof is for. */
export interface ProvenCall {
  readonly method: string;
  /** Absolute, with or without its query. */
  readonly url: string;
  readonly accessToken?: string | undefined;
  /** The newest nonce the centre gave. */
  readonly nonce?: string | undefined;
}

// The same in browsers and in Node; this folder knows neither.
declare const crypto: {
  randomUUID(): string;
  readonly subtle: { digest(algorithm: "SHA-256", data: Uint8Array): Promise<ArrayBuffer> };
};

/** The `DPoP` header of one call; a proof is good once. */
export async function proofOf(key: ProofKey, { method, url, accessToken, nonce }: ProvenCall): Promise<string> {
  const claims = {
    jti: crypto.randomUUID(),
    htm: method.toUpperCase(),
    htu: url.replace(/[?#].*$/s, ""),
    ...(accessToken === undefined ? {} : { ath: await accessTokenHash(accessToken) }),
    ...(nonce === undefined ? {} : { nonce }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ typ: proofType, alg: proofAlgorithm, jwk: key.publicJwk })
    .setIssuedAt()
    .sign(key.privateKey);
}

/** `ath` of a proof. Tokens are ASCII. */
export async function accessTokenHash(accessToken: string): Promise<string> {
  const bytes = Uint8Array.from(accessToken, (character) => character.charCodeAt(0));
  return base64url.encode(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

export const thumbprintOf = (jwk: PublicJwk): Promise<string> => calculateJwkThumbprint(jwk, "sha256");

/** A signing key from its two halves, as a key store gave them. */
export async function proofKeyOf(pair: { publicKey: SigningKey; privateKey: SigningKey }): Promise<ProofKey> {
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  if (kty !== "EC" || crv !== "P-256" || !x || !y) throw new TypeError("Not a P-256 key pair.");
  const jwk: PublicJwk = { kty: "EC", crv: "P-256", x, y };
  return { privateKey: pair.privateKey, publicJwk: jwk, thumbprint: await thumbprintOf(jwk) };
}

/** A key for as long as the program runs; its private part cannot be read. */
export const newProofKey = async (): Promise<ProofKey> => proofKeyOf(await generateKeyPair(proofAlgorithm));
