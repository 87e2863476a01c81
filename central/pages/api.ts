import { proofOf } from "../../contract/dpop.ts";
import { browserKey } from "./key.ts";

const callTimeoutMs = 10_000;

/** What a refusal says beside its name. */
export interface ProblemFacts {
  readonly retryAfterS?: number;
  readonly attemptsLeft?: number;
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[];
  readonly reason?: string;
  /** The grant that is there already. */
  readonly staffId?: string;
  /** What it could be instead. */
  readonly candidates?: readonly { readonly id: string; readonly name: string; readonly detail: string }[];
}

/** Why a call did not succeed; `problem` is the last segment of the problem's type, `network` without our answer. */
export class CallProblem extends Error {
  readonly problem: string;
  readonly retryAfterS: number;
  readonly attemptsLeft: number;
  readonly errors: NonNullable<ProblemFacts["errors"]>;
  readonly reason: string;
  readonly staffId: string;
  readonly candidates: NonNullable<ProblemFacts["candidates"]>;
  constructor(problem: string, facts: ProblemFacts = {}) {
    super(problem);
    this.problem = problem;
    this.retryAfterS = facts.retryAfterS ?? 0;
    this.attemptsLeft = facts.attemptsLeft ?? 0;
    this.errors = facts.errors ?? [];
    this.reason = facts.reason ?? "";
    this.staffId = facts.staffId ?? "";
    this.candidates = facts.candidates ?? [];
  }

  /** The same refusal for these fields. */
  withErrors(errors: CallProblem["errors"]): CallProblem {
    const { retryAfterS, attemptsLeft, reason, staffId, candidates } = this;
    return new CallProblem(this.problem, { retryAfterS, attemptsLeft, errors, reason, staffId, candidates });
  }
}

/** The problem behind anything a call threw. */
export function problemOf(error: unknown): CallProblem {
  return error instanceof CallProblem ? error : new CallProblem("network");
}

/** A value as an object to look into, or an empty one: replies are read leniently. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

export const text = (value: unknown): string => (typeof value === "string" ? value : "");
export const whole = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(record) : []);

export interface CallOptions {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly body?: unknown;
  readonly token?: string;
  /** The version that is changed: an older one is refused. */
  readonly ifMatch?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: as long as `signal` lets it. */
  readonly timeoutMs?: number | null;
  readonly signal?: AbortSignal;
}

/**
 * One call; gives the reply when it is a success.
 * @throws CallProblem also when the answer is not from our service (a captive portal, a proxy).
 */
export async function exchange(path: string, options: CallOptions = {}): Promise<Response> {
  const { body, token, ifMatch, timeoutMs = callTimeoutMs } = options;
  const requestId = crypto.randomUUID();
  const signals = [options.signal ?? [], timeoutMs === null ? [] : AbortSignal.timeout(timeoutMs)].flat();
  const response = await proven(path, {
    method: options.method ?? "GET",
    headers: {
      "x-request-id": requestId,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(token === undefined ? {} : { token }),
    signal: AbortSignal.any(signals),
  });
  if (response.headers.get("x-request-id") !== requestId) throw new CallProblem("network");
  if (!response.ok) throw await problemIn(response);
  return response;
}

/** The JSON of one call's reply, or null when it has none. @throws CallProblem as {@link exchange}. */
export async function call(path: string, options: CallOptions = {}): Promise<unknown> {
  const response = await exchange(path, options);
  return response.status === 204 ? null : ((await response.json()) as unknown);
}

interface ProvenRequest {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
  readonly token?: string;
  readonly signal: AbortSignal;
}

/** The nonce of the newest answer, for the next proof. */
let nonce: string | undefined;

/** A request with the proof of this browser's key (RFC 9449); repeated once where the service wants a newer nonce. */
async function proven(path: string, request: ProvenRequest): Promise<Response> {
  const response = await once(path, request);
  if (response.status !== 401) return response;
  const refusal = await problemIn(response.clone()).catch(problemOf);
  return refusal.problem === "use_dpop_nonce" ? once(path, request) : response;
}

async function once(path: string, { token, headers, ...request }: ProvenRequest): Promise<Response> {
  const url = new URL(path, location.origin).href;
  const proof = await proofOf(await browserKey(), { method: request.method, url, accessToken: token, nonce });
  const response = await fetch(path, {
    ...request,
    headers: { ...headers, dpop: proof, ...(token === undefined ? {} : { authorization: `DPoP ${token}` }) },
    // Answers with an ETag are asked for anew with it; those with a person in them say `no-store` themselves.
    cache: "no-cache",
    credentials: "omit",
    redirect: "error",
  });
  nonce = response.headers.get("dpop-nonce") ?? nonce;
  return response;
}

/** The problem a refused reply carries. */
async function problemIn(response: Response): Promise<CallProblem> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return new CallProblem("network");
  const body = record(await response.json());
  return new CallProblem(text(body.type).split("/").at(-1) ?? "", {
    retryAfterS: Number(response.headers.get("retry-after") ?? 0),
    attemptsLeft: whole(body.attempts_left),
    errors: list(body.errors).map(({ pointer, code }) => ({ pointer: text(pointer), code: text(code) })),
    reason: text(body.reason),
    staffId: text(body.staff_id),
    candidates: list(body.candidates).map(({ id, name, detail }) => ({
      id: text(id),
      name: text(name),
      detail: text(detail),
    })),
  });
}
