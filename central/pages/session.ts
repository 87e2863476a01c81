import { signal } from "@preact/signals";
import { type CallOptions, CallProblem, call, exchange, problemOf, record, text, whole } from "./api.ts";

export type Audience = "staff" | "owner";

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** Tokens live in this variable only: closing or reloading the page signs out. They are bound to the browser's key. */
let tokens: Tokens | null = null;
let refreshing: Promise<void> | null = null;

/** What the person signed in as; null while nobody is. */
export const signedInAs = signal<Audience | null>(null);
/** How the service names the person, as in the access log. */
export const myRef = signal("");
/** The last sign-in ended without the person asking for it. */
export const endedByService = signal(false);

export async function requestCode(phone: string, audience: Audience) {
  const reply = record(await call("/v1/auth/otp", { method: "POST", body: { phone, audience } }));
  return { challengeId: text(reply.challenge_id), resendAfterS: whole(reply.resend_after) };
}

export async function verifyCode(challengeId: string, code: string, audience: Audience): Promise<void> {
  const reply = await call("/v1/auth/otp:verify", { method: "POST", body: { challenge_id: challengeId, code } });
  keep(reply);
  myRef.value = text(record(record(reply).person).ref);
  endedByService.value = false;
  signedInAs.value = audience;
}

function keep(reply: unknown): void {
  const pair = record(reply);
  tokens = { access: text(pair.access_token), refresh: text(pair.refresh_token) };
}

/** A call with the token; an expired one is refreshed once. @throws CallProblem `invalid_grant` has signed out. */
export async function authorisedExchange(path: string, options: CallOptions = {}): Promise<Response> {
  try {
    return await exchange(path, { ...options, token: accessToken() });
  } catch (error) {
    if (problemOf(error).problem !== "invalid_token") throw error;
    await refresh();
    return await exchange(path, { ...options, token: accessToken() });
  }
}

function accessToken(): string {
  if (!tokens) throw new CallProblem("invalid_grant");
  return tokens.access;
}

/** Gets the next tokens; calls at the same time share one. @throws CallProblem; `invalid_grant` has signed out. */
export function refresh(): Promise<void> {
  refreshing ??= renewed().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function renewed(): Promise<void> {
  if (!tokens) throw new CallProblem("invalid_grant");
  try {
    const body = { grant_type: "refresh_token", refresh_token: tokens.refresh };
    keep(await call("/v1/auth/token", { method: "POST", body }));
  } catch (error) {
    if (problemOf(error).problem === "invalid_grant") {
      forget();
      endedByService.value = true;
    }
    throw error;
  }
}

function forget(): void {
  tokens = null;
  myRef.value = "";
  signedInAs.value = null;
}

/** Forgets here first, then tells the service; an unreachable service lets the tokens end by themselves. */
export async function signOut(): Promise<void> {
  const last = tokens;
  forget();
  endedByService.value = false;
  if (!last) return;
  await call("/v1/auth/token:revoke", { method: "POST", body: { refresh_token: last.refresh } }).catch(() => null);
}
