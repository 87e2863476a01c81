import { randomUUID } from "node:crypto";
import { Agent } from "node:https";
import { gzipSync } from "node:zlib";
import axios, { AxiosError, type AxiosInstance, type AxiosResponse } from "axios";
import type { z } from "zod";
import { type ProofKey, proofOf } from "../../contract/dpop.ts";
import { callTimeoutMs, maxReplyBytes } from "../../contract/limits.ts";
import type { Operation } from "../../contract/operations.ts";
import { type Problem, type ProblemName, problem, problemName } from "../../contract/problem.ts";
import type { Clock } from "../clock.ts";
import { retryAfter } from "./retry-after.ts";

/** What a call came to. Only `refused` and `ok` are words of our own server. */
export type Reply<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** Our server said no: switch on `name`, never on text. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly name: ProblemName | null;
      readonly problem: Problem | null;
      readonly retryAfterMs: number | null;
    }
  /** Our server or a proxy asks for patience (408, 429, 5xx). */
  | {
      readonly kind: "busy";
      readonly status: number;
      readonly name: ProblemName | null;
      readonly retryAfterMs: number | null;
    }
  /** Something answered that is not our server: captive portal, proxy, redirect, another's certificate. */
  | {
      readonly kind: "foreign";
      readonly detail: string;
      /** A certificate that is not yet, or no more, valid by this machine's clock: the clock may be what is wrong. */
      readonly untimely: boolean;
    }
  /** Nobody answered: no network, DNS, time-out. */
  | { readonly kind: "unreachable"; readonly detail: string };

/** Certificates out of their time, as Node names them (X509_V_ERR_*). */
const untimelyCertificates = ["CERT_NOT_YET_VALID", "CERT_HAS_EXPIRED"];
/** Other reasons why a certificate is not our server's. */
const wrongCertificates = /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_)/;

/** A longer round trip does not tell the time: half of it is how wrong its middle may be, ms. */
const longestTellingMs = 10_000;

/** The header in which the centre gives the nonce of the next proof (RFC 9449, section 8). */
const nonceHeader = "dpop-nonce";

export interface Call<T> {
  readonly operation: Operation;
  /** Values of the `{name}`s in the operation's path. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The body as gzipped JSON, where somebody has packed it already. */
  readonly gzipped?: Uint8Array;
  readonly accessToken?: string;
  /** What the answer must be: of a file its bytes, else its JSON. */
  readonly schema: z.ZodType<T> | null;
  readonly totalTimeoutMs?: number;
  readonly cancelled?: AbortSignal;
}

/**
 * The HTTP client of the wire contract. Calls that are not public prove this machine's key; a nonce that the centre
 * does not take any more is replaced once by the one it gave. Never throws for anything the network or the server does. No redirect is
 * followed, a reply must echo our request id and carry our content type, its size and total time are bounded.
 */
export class CentralApi {
  readonly #http: AxiosInstance;
  readonly #clock: Clock;
  readonly #key: ProofKey;
  readonly #onServerTime: (offsetMs: number) => void;
  #baseUrl: string | null;
  #nonce: string | undefined;

  /** `onServerTime` receives `server − local` in ms at each reply of our server (Date + round trip / 2). */
  constructor(baseUrl: string | null, clock: Clock, key: ProofKey, onServerTime: (offsetMs: number) => void) {
    this.#clock = clock;
    this.#key = key;
    this.#onServerTime = onServerTime;
    this.#baseUrl = withoutSlash(baseUrl);
    this.#http = axios.create({
      maxRedirects: 0,
      maxContentLength: maxReplyBytes,
      proxy: false,
      // Said here, so that no environment variable of the machine can switch it off.
      httpsAgent: new Agent({ keepAlive: true, rejectUnauthorized: true, minVersion: "TLSv1.2" }),
      responseType: "text",
      transformResponse: (text: unknown) => text,
      validateStatus: () => true,
      headers: { Accept: "application/json, application/problem+json" },
    });
  }

  /** Speaks to this centre from now on; null: to none, every call is answered as unreachable. */
  moveTo(baseUrl: string | null): void {
    if (this.#baseUrl === withoutSlash(baseUrl)) return;
    this.#baseUrl = withoutSlash(baseUrl);
    this.#nonce = undefined;
  }

  async call<T>(call: Call<T>): Promise<Reply<T>> {
    if (this.#baseUrl === null) return { kind: "unreachable", detail: "no centre is known yet" };
    const usedNonce = this.#nonce;
    const reply = await this.#once(call);
    const again = reply.kind === "refused" && reply.name === "use_dpop_nonce" && this.#nonce !== usedNonce;
    return again ? this.#once(call) : reply;
  }

  async #once<T>(call: Call<T>): Promise<Reply<T>> {
    const requestId = randomUUID();
    const sentMono = this.#clock.monoMs();
    const data = bodyOf(call);
    // axios' own `timeout` watches for silence only; a dribbling reply needs a bound on the whole call.
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const timer = setTimeout(end, call.totalTimeoutMs ?? callTimeoutMs);
    call.cancelled?.addEventListener("abort", end);
    if (call.cancelled?.aborted) end();
    let response: AxiosResponse<string>;
    try {
      response = await this.#http.request<string>({
        method: call.operation.method,
        ...(this.#baseUrl === null ? {} : { baseURL: this.#baseUrl }),
        url: pathOf(call),
        ...(data === undefined ? {} : { data }),
        ...(call.operation.fileTypes === undefined ? {} : { responseType: "arraybuffer" }),
        headers: {
          "X-Request-Id": requestId,
          ...(data === undefined ? {} : { "Content-Type": "application/json", "Content-Encoding": "gzip" }),
          ...(call.accessToken === undefined ? {} : { Authorization: `DPoP ${call.accessToken}` }),
          ...(call.operation.auth === "public" ? {} : { DPoP: await this.#proof(call) }),
        },
        signal: ending.signal,
      });
    } catch (error) {
      return failureOf(error);
    } finally {
      clearTimeout(timer);
      call.cancelled?.removeEventListener("abort", end);
    }
    const foreign = whyForeign(response, requestId, call.operation);
    if (foreign !== null) return { kind: "foreign", detail: foreign, untimely: false };
    this.#noteServerTime(response, sentMono);
    const nonce: unknown = response.headers[nonceHeader];
    if (typeof nonce === "string" && nonce !== "") this.#nonce = nonce;
    return this.#read(response, call);
  }

  #proof(call: Call<unknown>): Promise<string> {
    const { operation, accessToken } = call;
    const url = (this.#baseUrl ?? "") + pathOf(call);
    return proofOf(this.#key, { method: operation.method, url, accessToken, nonce: this.#nonce });
  }

  #read<T>(response: AxiosResponse<string>, { schema, operation }: Call<T>): Reply<T> {
    const { status } = response;
    if (status >= 200 && status < 300) {
      if (schema === null) return { kind: "ok", value: undefined as T };
      const value = schema.safeParse(operation.fileTypes ? response.data : jsonOf(response.data));
      if (value.success) return { kind: "ok", value: value.data };
      return { kind: "foreign", detail: `the answer ${status} has not the agreed form`, untimely: false };
    }
    const parsed = problem.safeParse(jsonOf(response.data));
    const name = parsed.success ? problemName(parsed.data.type) : null;
    const retryAfterMs = retryAfter(String(response.headers["retry-after"] ?? ""), dateOf(response));
    if (status === 408 || status === 429 || status >= 500) return { kind: "busy", status, name, retryAfterMs };
    return { kind: "refused", status, name, problem: parsed.success ? parsed.data : null, retryAfterMs };
  }

  #noteServerTime(response: AxiosResponse<string>, sentMono: number): void {
    const date = dateOf(response);
    if (date === null) return;
    const roundTripMs = this.#clock.monoMs() - sentMono;
    // The centre may have looked at its clock at any time in between, also while this machine slept.
    if (roundTripMs > longestTellingMs) return;
    this.#onServerTime(Math.round(date + roundTripMs / 2 - this.#clock.wallMs()));
  }
}

function withoutSlash(baseUrl: string | null): string | null {
  return baseUrl?.replace(/\/$/, "") ?? null;
}

/** The bytes of the body; a Buffer, because axios sends the whole memory behind any other view. */
function bodyOf({ body, gzipped }: Call<unknown>): Buffer | undefined {
  if (gzipped !== undefined) return Buffer.from(gzipped.buffer, gzipped.byteOffset, gzipped.byteLength);
  return body === undefined ? undefined : gzipSync(JSON.stringify(body));
}

function whyForeign(response: AxiosResponse<string>, requestId: string, operation: Operation): string | null {
  if (response.status >= 300 && response.status < 400) return `redirect ${response.status}`;
  if (response.headers["x-request-id"] !== requestId) return `answer ${response.status} without our request id`;
  if (response.status === 204) return null;
  const type = String(response.headers["content-type"] ?? "")
    .split(";")[0]
    ?.trim()
    .toLowerCase();
  const agreed = response.status < 300 && operation.fileTypes ? operation.fileTypes : ["application/json"];
  return type === "application/problem+json" || agreed.includes(type ?? "")
    ? null
    : `answer ${response.status} of type ${type || "none"}`;
}

function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

function dateOf(response: AxiosResponse<string>): number | null {
  const date = Date.parse(String(response.headers.date ?? ""));
  return Number.isFinite(date) ? date : null;
}

function pathOf({ operation, parameters = {} }: Call<unknown>): string {
  return operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ""));
}

function failureOf(error: unknown): Reply<never> {
  if (!(error instanceof AxiosError)) {
    return { kind: "unreachable", detail: error instanceof Error ? error.message : String(error) };
  }
  const { code = error.message } = error;
  if (code === AxiosError.ERR_CANCELED) return { kind: "unreachable", detail: "no complete answer in time" };
  if (code === AxiosError.ERR_BAD_RESPONSE) return { kind: "foreign", detail: error.message, untimely: false };
  if (wrongCertificates.test(code)) {
    return { kind: "foreign", detail: code, untimely: untimelyCertificates.includes(code) };
  }
  return { kind: "unreachable", detail: code };
}
