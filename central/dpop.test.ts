import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { base64url, CompactSign, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessTokenHash, newProofKey, type ProofKey } from "../contract/dpop.ts";
import type { TokenReply } from "../contract/people.ts";
import { Rig } from "../testing/central-rig.ts";

let rig: Rig;
let owner: TokenReply;
let key: ProofKey;
const path = "/v1/me/checkpoints";
beforeEach(async () => {
  rig = await Rig.start();
  owner = await rig.signIn("0900000001", "owner");
  key = await rig.key;
});
afterEach(() => rig[Symbol.asyncDispose]());

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly nonce: string;
  readonly challenge: string | null;
}

/** One call with exactly this proof; nothing is repeated. */
async function show(proof: string | null, token: string = owner.access_token, at = path): Promise<Reply> {
  const response = await fetch(rig.url + at, {
    headers: { connection: "close", authorization: `DPoP ${token}`, ...(proof === null ? {} : { dpop: proof }) },
  });
  const body = (await response.json()) as { type?: string };
  return {
    status: response.status,
    type: body.type?.split("/").at(-1) ?? "",
    nonce: response.headers.get("dpop-nonce") ?? "",
    challenge: response.headers.get("www-authenticate"),
  };
}

const nonceNow = async (): Promise<string> => (await show(null)).nonce;

const good = async (): Promise<Record<string, unknown>> => ({
  jti: randomUUID(),
  htm: "GET",
  htu: rig.url + path,
  iat: Math.floor(Date.now() / 1000),
  ath: await accessTokenHash(owner.access_token),
  nonce: await nonceNow(),
});

async function proof(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  by: ProofKey = key,
): Promise<string> {
  return new SignJWT({ ...(await good()), ...claims })
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: by.publicJwk, ...header })
    .sign(by.privateKey);
}

/** A proof whose signature fits whatever stands in its header. */
async function signedBare(header: Record<string, unknown>): Promise<string> {
  const head = `${part({ typ: "dpop+jwt", alg: "ES256", jwk: key.publicJwk, ...header })}.${part(await good())}`;
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = await crypto.subtle.sign(algorithm, key.privateKey as CryptoKey, Buffer.from(head));
  return `${head}.${base64url.encode(new Uint8Array(signature))}`;
}

const part = (value: unknown) => base64url.encode(JSON.stringify(value));

describe("a proof", () => {
  test("in order is taken once: shown again it is refused, to another address too", async () => {
    const once = await proof();
    expect((await show(once)).status).toBe(200);
    expect(await show(once)).toMatchObject({ status: 401, type: "invalid_dpop_proof" });
  });

  test("is asked for with a nonce that every answer carries, and says so in the header too", async () => {
    const reply = await show(await proof({ nonce: undefined }));
    expect(reply).toMatchObject({ status: 401, type: "use_dpop_nonce" });
    expect(reply.challenge).toBe('DPoP algs="ES256", error="use_dpop_nonce"');
    expect((await show(await proof({ nonce: reply.nonce }))).status).toBe(200);
    const keys = await fetch(`${rig.url}/v1/keys`);
    expect(keys.headers.get("dpop-nonce")).toMatch(/^[\w-]{32}$/);
  });

  test.each([
    ["the method", { htm: "POST" }],
    ["the address", { htu: "http://127.0.0.1:1/v1/me/checkpoints" }],
    ["the path", { htu: "PATH" }],
    ["an address with a query", { htu: "QUERY" }],
    ["no address", { htu: "me" }],
    ["the access token", { ath: "x".repeat(43) }],
    ["no access token", { ath: undefined }],
    ["an id that is too short", { jti: "1" }],
    ["an id that is no text", { jti: 7 }],
    ["no id", { jti: undefined }],
    ["no time at all", { iat: undefined }],
    ["a time that is no number", { iat: "now" }],
  ])("that is wrong in %s is refused", async (_name, claims: Record<string, unknown>) => {
    const { htu } = claims;
    if (htu === "PATH") claims = { htu: `${rig.url}/v1/me` };
    if (htu === "QUERY") claims = { htu: `${rig.url}${path}?a=1` };
    expect(await show(await proof(claims))).toMatchObject({ status: 401, type: "invalid_dpop_proof" });
  });

  test.each([
    ["typ", { typ: "JWT" }],
    ["no typ", { typ: undefined }],
    ["crit", { crit: ["exp"], exp: 1 }],
    ["b64", { b64: true }],
  ])("with a header that is wrong in %s is refused", async (_name, header) => {
    expect((await show(await signedBare({}))).status).toBe(200);
    expect(await show(await signedBare(header))).toMatchObject({ status: 401, type: "invalid_dpop_proof" });
  });

  test("that carries its private part is refused, though its signature fits", async () => {
    const pair = await generateKeyPair("ES256", { extractable: true });
    const whole = await exportJWK(pair.privateKey);
    const made = await new SignJWT(await good())
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: whole })
      .sign(pair.privateKey);
    expect(await show(made)).toMatchObject({ status: 401, type: "invalid_dpop_proof" });
  });

  test("of another algorithm is refused: none, RS256, ES384, a MAC under the public key", async () => {
    const claims = await good();
    const jwk = key.publicJwk;
    const attempts = [`${part({ typ: "dpop+jwt", alg: "none", jwk })}.${part(claims)}.`];
    for (const alg of ["HS256", "ES256"]) {
      const head = `${part({ typ: "dpop+jwt", alg, jwk })}.${part(claims)}`;
      for (const secret of [JSON.stringify(jwk), jwk.x, ""]) {
        attempts.push(`${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`);
      }
    }
    for (const alg of ["RS256", "ES384", "Ed25519"]) {
      const pair = await generateKeyPair(alg, { extractable: true });
      const own = await exportJWK(pair.publicKey);
      attempts.push(
        await new SignJWT(claims).setProtectedHeader({ typ: "dpop+jwt", alg, jwk: own }).sign(pair.privateKey),
      );
    }
    for (const attempt of attempts) {
      expect(await show(attempt)).toMatchObject({ status: 401, type: "invalid_dpop_proof" });
    }
  });

  test("that is damaged, of another key, off the curve, oversized or sent twice is refused", async () => {
    const made = await proof();
    const other = await newProofKey();
    const [head = "", body = "", signature = ""] = made.split(".");
    const flipped = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    const offCurve = { ...key.publicJwk, y: base64url.encode(randomBytes(32)) };
    const attempts = [
      "x",
      "a.b.c",
      `${head}.${body}`,
      `${head}.${body}.${flipped}`,
      await proof({}, { jwk: other.publicJwk }),
      `${part({ typ: "dpop+jwt", alg: "ES256", jwk: offCurve })}.${body}.${signature}`,
      await proof({ pad: "x".repeat(3_000) }),
      `${made}, ${await proof()}`,
      await new CompactSign(new TextEncoder().encode("[]"))
        .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: key.publicJwk })
        .sign(key.privateKey),
    ];
    for (const attempt of attempts) {
      expect(await show(attempt), attempt.slice(0, 40)).toMatchObject({ status: 401, type: "invalid_dpop_proof" });
    }
    expect((await show(made)).status).toBe(200);
  });

  test("is judged by its nonce, not by its clock: 1970, ten years ahead", async () => {
    for (const iat of [0, 1, Math.floor(Date.now() / 1000) + 10 * 365 * 86_400]) {
      expect((await show(await proof({ iat }))).status).toBe(200);
    }
  });

  test("with a nonce that is old, from before a restart, or made up is to be repeated with the new one", async () => {
    const nonce = await nonceNow();
    const wanted = { status: 401, type: "use_dpop_nonce" };
    for (const made of ["", "x", "x".repeat(32), `${nonce.slice(0, -2)}AA`]) {
      expect(await show(await proof({ nonce: made }))).toMatchObject(wanted);
    }
    const seen = await proof({ nonce });
    expect((await show(seen)).status).toBe(200);
    const before = await proof({ nonce });
    const port = Number(new URL(rig.url).port);
    await rig.stop();
    await rig.start({ port });
    // What was seen is forgotten by the restart, and is good no more for all that.
    expect(await show(seen)).toMatchObject(wanted);
    const reply = await show(before);
    expect(reply).toMatchObject(wanted);
    expect((await show(await proof({ nonce: reply.nonce }))).status).toBe(200);
    const aging = await nonceNow();
    rig.clock.advance(301_000);
    expect(await show(await proof({ nonce: aging }))).toMatchObject(wanted);
  });
});

test("behind a proxy only the public address and the service's own are right, whatever a call says of its host", async () => {
  await rig.stop();
  await rig.start({ publicUrl: "https://qr.example.vn/centre/" });
  const { nonce } = await show(null);
  const at = async (htu: string) => (await show(await proof({ htu, nonce }))).status;
  expect(await at(`https://qr.example.vn/centre${path}`)).toBe(200);
  expect(await at(`https://QR.example.vn:443/centre${path}`)).toBe(200);
  expect(await at(rig.url + path)).toBe(200);
  expect(await at(`https://qr.example.vn${path}`)).toBe(401);
  expect(await at(`https://evil.example.vn/centre${path}`)).toBe(401);
  const response = await fetch(rig.url + path, {
    headers: {
      authorization: `DPoP ${owner.access_token}`,
      dpop: await proof({ htu: `http://evil.example.vn${path}`, nonce }),
      "x-forwarded-host": "evil.example.vn",
    },
  });
  expect(response.status).toBe(401);
});

describe("a token on another machine", () => {
  test("is refused with every call: without a key, with its own key, as a bearer", async () => {
    const thief = await newProofKey();
    const calls: [string, string, unknown?][] = [
      ["GET", path],
      ["POST", "/v1/checkpoints", {}],
      ["POST", "/v1/entries:batch", {}],
      ["POST", `/v1/devices/${randomUUID()}/heartbeat`, {}],
      ["GET", `/v1/checkpoints/${randomUUID()}/entries`],
      ["GET", `/v1/checkpoints/${randomUUID()}/entries:stream`],
    ];
    for (const [method, at, body] of calls) {
      const stolen = await rig.call(method, at, { token: owner.access_token, key: thief, body });
      expect([stolen.status, stolen.body.type.split("/").at(-1)], at).toEqual([401, "invalid_token"]);
      for (const headers of [{ dpop: "" }, { dpop: "x" }]) {
        const bare = await rig.call(method, at, { token: owner.access_token, body, headers });
        expect([bare.status, bare.body.type.split("/").at(-1)], at).toEqual([401, "invalid_dpop_proof"]);
      }
      const bearer = await rig.call(method, at, { body, headers: { authorization: `Bearer ${owner.access_token}` } });
      expect(bearer.status, at).toBe(401);
    }
    expect(rig.log).toContain('"alarm":"access-token"');
    expect(rig.log).not.toContain(owner.access_token);
    expect((await rig.call("GET", path, { token: owner.access_token })).status).toBe(200);
  });

  test("a refresh token of another key is refused, leaves an alarm, and locks the honest holder out of nothing", async () => {
    const thief = await newProofKey();
    const body = { grant_type: "refresh_token", refresh_token: owner.refresh_token };
    const refresh = (by?: ProofKey) => rig.call("POST", "/v1/auth/token", { body, ...(by ? { key: by } : {}) });
    for (let attempt = 0; attempt < 3; attempt += 1) expect((await refresh(thief)).status).toBe(401);
    const out = await rig.call("POST", "/v1/auth/token:revoke", {
      body: { refresh_token: owner.refresh_token },
      key: thief,
    });
    expect(out.status).toBe(401);
    const next = await refresh();
    expect(next.status).toBe(200);
    // The old one again, long after, by the thief: the successor still works.
    rig.clock.advance(120_000);
    expect((await refresh(thief)).status).toBe(401);
    const after = await rig.call("POST", "/v1/auth/token", {
      body: { ...body, refresh_token: next.body.refresh_token },
    });
    expect(after.status).toBe(200);
    expect(rig.log.match(/"alarm":"refresh-token"/g)).toHaveLength(5);
  });
});
