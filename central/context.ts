import type { FastifyBaseLogger, FastifyRequest } from "fastify";
import type { AccessLog } from "./access-log.ts";
import type { Clock } from "./clock.ts";
import type { CodeSigner } from "./code-signing.ts";
import type { CursorBox } from "./cursor.ts";
import type { ProofCheck } from "./dpop.ts";
import type { Enrolment } from "./enrolment.ts";
import { HttpProblem } from "./http-problem.ts";
import type { CentralKeys } from "./keys.ts";
import type { LiveFeed } from "./live-feed.ts";
import type { SignIn } from "./sign-in.ts";
import type { Store } from "./store/store.ts";
import type { Caller, DeviceCaller, Tokens } from "./tokens.ts";

/** Everything a route may use. */
export interface Central {
  readonly store: Store;
  readonly keys: CentralKeys;
  readonly clock: Clock;
  readonly logger: FastifyBaseLogger;
  readonly tokens: Tokens;
  readonly proofs: ProofCheck;
  readonly signIn: SignIn;
  readonly enrolment: Enrolment;
  readonly cursors: CursorBox;
  readonly live: LiveFeed;
  readonly accessLog: AccessLog;
  readonly codes: CodeSigner;
  /** Where people reach this service, for printed codes; known once it listens. */
  readonly publicUrl: () => string;
  /** Machines of an older version are told to be updated; null asks for none. */
  readonly minVersion: string | null;
}

/**
 * Who makes this call, with the rights of places. Officials have none by that sign-in, whatever else their phone may
 * do: they are refused here, so that no route lets them in by mistake.
 * @throws HttpProblem `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `forbidden`
 */
export async function callerOf(central: Central, request: FastifyRequest): Promise<Caller> {
  const caller = await anyPersonOf(central, request);
  if (caller.audience !== "official") return caller;
  throw new HttpProblem("forbidden", "Officials see counts only; sign in as staff or owner for this.");
}

/** The person who makes this call, officials too. @throws HttpProblem as {@link callerOf}; `forbidden` for a machine. */
export async function anyPersonOf(central: Central, request: FastifyRequest): Promise<Caller> {
  const caller = await anyCallerOf(central, request);
  if (caller.audience !== "device") return caller;
  throw new HttpProblem("forbidden", "A person must sign in for this; the machine alone may not.");
}

/** Who makes this call: a person, or a machine under its own key. @throws HttpProblem as {@link callerOf}. */
export async function anyCallerOf(central: Central, request: FastifyRequest): Promise<Caller | DeviceCaller> {
  const token = /^DPoP ([\w-]{20,200})$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) throw refused();
  const caller = await central.tokens.caller(token, await central.proofs.thumbprint(request, token));
  if (!caller) throw refused();
  return caller;
}

function refused(): HttpProblem {
  return new HttpProblem(
    "invalid_token",
    "Send a valid access token in the Authorization header, with its DPoP proof.",
  );
}
