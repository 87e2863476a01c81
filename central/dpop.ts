import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { z } from "zod";
import { accessTokenHash, maxProofLength, proofAlgorithm, proofType, thumbprintOf } from "../contract/dpop.ts";
import { publicJwk } from "../contract/public-key.ts";
import type { Clock } from "./clock.ts";
import { HttpProblem } from "./http-problem.ts";

/** How long a nonce may be used. */
export const nonceValidMs = 300_000;
/** Nonces of one stretch are the same. */
const nonceStepMs = 10_000;
/** Proofs remembered at once; far more than an honest fleet shows in the life of a nonce. */
const mostProofs = 1_000_000;

const header = z.object({
  typ: z.literal(proofType),
  alg: z.literal(proofAlgorithm),
  // Strict: a private part in it, or anything else, is refused.
  jwk: publicJwk,
  // Extensions we would have to understand (RFC 7515, section 4.1.11; RFC 7797).
  crit: z.undefined().optional(),
  b64: z.undefined().optional(),
});

const claims = z.object({
  jti: z.string().min(16).max(100),
  htm: z.string(),
  htu: z.url(),
  // Its presence is asked for by the RFC; the nonce tells the time, see below.
  iat: z.number(),
  ath: z.string().optional(),
  nonce: z.string().max(200).optional(),
});

/** Checks the proofs of possession that go with calls (RFC 9449). */
export interface ProofCheck {
  /** The nonce for the next proof; every answer carries it. */
  nonce(): string;
  /**
   * Thumbprint of the key that this call proves to hold, for `accessToken` when one goes with it. Looked at once a call:
   * asking again gives the same answer.
   * @throws HttpProblem `invalid_dpop_proof`, `use_dpop_nonce`
   */
  thumbprint(request: FastifyRequest, accessToken?: string): Promise<string>;
}

/**
 * `ownAddresses` are all addresses the service is reached at, without a slash at the end; null where nobody configured
 * any: then each call's own word for it does. The time of a proof is told by its nonce alone, because machines with a dead clock battery must sign in. Nonces
 * are MACs of their time under a key of this process: nothing is kept of them, and a restart, which forgets the proofs
 * seen, ends all nonces with it, so that none of those proofs is good again.
 */
export function proofCheckOver(clock: Clock, ownAddresses: () => readonly string[] | null): ProofCheck {
  const key = randomBytes(32);
  const checked = new WeakMap<FastifyRequest, Promise<string>>();
  /** Proofs seen, by the time of their nonces. */
  const seen = new Map<number, Set<string>>();
  let seenCount = 0;

  const nonceOf = (madeAt: number): string => {
    const time = Buffer.alloc(8);
    time.writeDoubleBE(madeAt);
    return Buffer.concat([time, createHmac("sha256", key).update(time).digest().subarray(0, 16)]).toString("base64url");
  };
  const stretchOf = (now: number) => Math.floor(now / nonceStepMs) * nonceStepMs;
  let newest = { madeAt: Number.NaN, text: "" };
  const nonce = (): string => {
    const madeAt = stretchOf(clock.now());
    if (newest.madeAt !== madeAt) newest = { madeAt, text: nonceOf(madeAt) };
    return newest.text;
  };

  /** When this nonce was made, or null when it is none of ours or out of its time. */
  const madeAtOf = (text: string): number | null => {
    if (!/^[\w-]{32}$/.test(text)) return null;
    const madeAt = Buffer.from(text, "base64url").readDoubleBE(0);
    const isOurs = timingSafeEqual(Buffer.from(nonceOf(madeAt)), Buffer.from(text));
    const ageMs = clock.now() - madeAt;
    return isOurs && ageMs >= 0 && ageMs < nonceValidMs ? madeAt : null;
  };

  const forget = (now: number): void => {
    for (const [madeAt, proofs] of seen) {
      if (now - madeAt < nonceValidMs) continue;
      seen.delete(madeAt);
      seenCount -= proofs.size;
    }
  };
  /** @throws HttpProblem when the proof was shown before */
  const useUp = (madeAt: number, proof: string): void => {
    const proofs = seen.get(madeAt) ?? new Set();
    if (proofs.size === 0) {
      forget(clock.now());
      seen.set(madeAt, proofs);
    }
    if (proofs.has(proof)) throw wrong("was used before");
    if (seenCount >= mostProofs)
      throw new HttpProblem("unavailable", "Too many calls now; try again.", { retryAfterS: 10 });
    proofs.add(proof);
    seenCount += 1;
  };

  const check = async (request: FastifyRequest, accessToken: string | undefined): Promise<string> => {
    const proof = request.headers.dpop;
    if (typeof proof !== "string" || proof === "") throw wrong("is missing");
    if (proof.length > maxProofLength) throw wrong("is too long");
    const { jkt, claimed } = await signedClaims(proof);
    if (claimed.htm !== request.method) throw wrong("is for another method");
    const addresses = ownAddresses() ?? [`${request.protocol}://${request.host}`];
    if (!addresses.some((address) => isSameAddress(claimed.htu, address + request.url))) {
      throw wrong(`is for another address than that of the call at ${addresses[0]}`);
    }
    const ath = accessToken === undefined ? undefined : await accessTokenHash(accessToken);
    if (claimed.ath !== ath) throw wrong("is for another access token");
    const madeAt = claimed.nonce === undefined ? null : madeAtOf(claimed.nonce);
    if (madeAt === null) {
      throw new HttpProblem("use_dpop_nonce", "Repeat the call with a proof that has the DPoP-Nonce of this answer.");
    }
    useUp(madeAt, `${jkt}${claimed.jti}`);
    return jkt;
  };

  return {
    nonce,
    thumbprint(request, accessToken) {
      const known = checked.get(request);
      if (known) return known;
      const looking = check(request, accessToken);
      checked.set(request, looking);
      return looking;
    },
  };
}

/** What the proof says, and the thumbprint of the key whose signature it bears. @throws HttpProblem */
async function signedClaims(proof: string): Promise<{ jkt: string; claimed: z.infer<typeof claims> }> {
  try {
    const { jwk } = header.parse(decodeProtectedHeader(proof));
    // The algorithm is named here: neither `none`, nor another key's kind, nor a MAC under the public key is tried.
    const key = await importJWK(jwk, proofAlgorithm);
    const { payload } = await compactVerify(proof, key, { algorithms: [proofAlgorithm] });
    const claimed = claims.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)));
    return { jkt: await thumbprintOf(jwk), claimed };
  } catch {
    throw wrong("cannot be read, or its signature does not fit");
  }
}

/** Whether `htu`, which has no query, names what was called; scheme and host in any spelling. */
function isSameAddress(htu: string, called: string): boolean {
  const [named, real] = [URL.parse(htu), URL.parse(called)];
  if (!named || !real || named.search !== "" || named.hash !== "") return false;
  return named.origin === real.origin && named.pathname === real.pathname;
}

function wrong(how: string): HttpProblem {
  return new HttpProblem("invalid_dpop_proof", `The DPoP proof of this call ${how}.`);
}
