const callTimeoutMs = 10_000;

/** Why a call did not succeed; `name` is the last segment of the problem's type, `network` without our answer. */
export class CallProblem extends Error {
  readonly problem: string;
  readonly retryAfterS: number;
  readonly attemptsLeft: number;
  constructor(problem: string, retryAfterS = 0, attemptsLeft = 0) {
    super(problem);
    this.problem = problem;
    this.retryAfterS = retryAfterS;
    this.attemptsLeft = attemptsLeft;
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

interface CallOptions {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  readonly token?: string;
}

/**
 * One call; gives the JSON of the reply, or null when it has none.
 * @throws CallProblem also when the answer is not from our service (a captive portal, a proxy).
 */
export async function call(path: string, options: CallOptions = {}): Promise<unknown> {
  const requestId = crypto.randomUUID();
  const response = await fetch(path, {
    method: options.method ?? "GET",
    headers: {
      "x-request-id": requestId,
      ...(options.body === undefined ? {} : { "content-type": "application/json" }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout(callTimeoutMs),
  });
  if (response.headers.get("x-request-id") !== requestId) throw new CallProblem("network");
  if (response.ok) return response.status === 204 ? null : ((await response.json()) as unknown);
  throw await problemIn(response);
}

/** The problem a refused reply carries. */
export async function problemIn(response: Response): Promise<CallProblem> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return new CallProblem("network");
  const body = record(await response.json());
  const name = text(body.type).split("/").at(-1) ?? "";
  return new CallProblem(name, Number(response.headers.get("retry-after") ?? 0), whole(body.attempts_left));
}
