import { signal } from "@preact/signals";
import { CallProblem, call, problemOf, record, text, whole } from "./api.ts";

export type Audience = "staff" | "owner";

/** A place the signed-in person may watch. */
export interface Place {
  readonly id: string;
  readonly name: string;
  readonly role: "scanner" | "supervisor" | "owner";
}

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** Tokens live in this variable only: closing or reloading the page signs out. */
let tokens: Tokens | null = null;
let refreshing: Promise<void> | null = null;

/** Null until somebody is signed in. */
export const places = signal<readonly Place[] | null>(null);
/** The last sign-in ended without the person asking for it. */
export const endedByService = signal(false);

export async function requestCode(phone: string, audience: Audience) {
  const reply = record(await call("/v1/auth/otp", { method: "POST", body: { phone, audience } }));
  return { challengeId: text(reply.challenge_id), resendAfterS: whole(reply.resend_after) };
}

export async function verifyCode(challengeId: string, code: string): Promise<void> {
  keep(await call("/v1/auth/otp:verify", { method: "POST", body: { challenge_id: challengeId, code } }));
  const reply = record(await authorised("/v1/me/checkpoints"));
  const items = Array.isArray(reply.items) ? reply.items.map(record) : [];
  places.value = items.map((item) => ({ id: text(item.id), name: text(item.name), role: roleOf(item.role) }));
  endedByService.value = false;
}

function roleOf(value: unknown): Place["role"] {
  return value === "owner" || value === "supervisor" ? value : "scanner";
}

function keep(reply: unknown): void {
  const pair = record(reply);
  tokens = { access: text(pair.access_token), refresh: text(pair.refresh_token) };
}

/** The access token, to be sent in a header. @throws CallProblem `invalid_grant` when nobody is signed in. */
export function accessToken(): string {
  if (!tokens) throw new CallProblem("invalid_grant");
  return tokens.access;
}

/** A call with the token; an expired one is refreshed once. */
export async function authorised(path: string): Promise<unknown> {
  try {
    return await call(path, { token: accessToken() });
  } catch (error) {
    if (problemOf(error).problem !== "invalid_token") throw error;
    await refresh();
    return await call(path, { token: accessToken() });
  }
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
  places.value = null;
}

/** Forgets here first, then tells the service; an unreachable service lets the tokens end by themselves. */
export async function signOut(): Promise<void> {
  const last = tokens;
  forget();
  endedByService.value = false;
  if (!last) return;
  await call("/v1/auth/token:revoke", { method: "POST", body: { refresh_token: last.refresh } }).catch(() => null);
}
