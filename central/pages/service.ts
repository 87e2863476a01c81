import { signal } from "@preact/signals";
import { type CallOptions, CallProblem, call, problemOf, record } from "./api.ts";
import { authorisedExchange } from "./session.ts";
import { formerIndexOf, indexOf, type UnitIndex } from "./units.ts";
import type { AdminUnit, KindList, Place, PlaceDetail } from "./wire.ts";

/** A call of the signed-in person; the service and this program are of one version, so the reply is what it says. */
export async function ask<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await authorisedExchange(path, options);
  return (response.status === 204 ? null : await response.json()) as T;
}

export const post = <T>(path: string, body: unknown): Promise<T> => ask<T>(path, { method: "POST", body });

/** Address of one place in the service's API. */
export const placeUrl = (id: string, rest = ""): string => `/v1/checkpoints/${encodeURIComponent(id)}${rest}`;

/** Places of the signed-in person, as last heard; null before that. */
export const places = signal<readonly Place[] | null>(null);

export async function loadPlaces(): Promise<readonly Place[]> {
  places.value = (await ask<{ items: Place[] }>("/v1/me/checkpoints")).items;
  return places.value;
}

/** One place; the list is brought up to date with it. */
export async function loadPlace(id: string): Promise<PlaceDetail> {
  const detail = await ask<PlaceDetail>(placeUrl(id));
  keepPlace(detail);
  return detail;
}

/** Takes a place that a change answered into the list. */
export function keepPlace(place: Place): void {
  const known = places.value ?? [];
  places.value = known.some(({ id }) => id === place.id)
    ? known.map((each) => (each.id === place.id ? { ...each, ...place } : each))
    : [...known, place];
}

let unitsToday: Promise<AdminUnit[]> | null = null;
let formerUnits: Promise<UnitIndex> | null = null;

/** Today's communes, once a session. */
export async function loadUnits(): Promise<UnitIndex> {
  return indexOf(await listToday());
}

function listToday(): Promise<AdminUnit[]> {
  unitsToday ??= unitsOf("version=2025-07-01").catch((error: unknown) => {
    unitsToday = null;
    throw error;
  });
  return unitsToday;
}

/** Communes of the list before, leading to what they became; ten thousand, so only when somebody looks for one. */
export function loadFormerUnits(): Promise<UnitIndex> {
  const levels = ["province", "district", "commune"].map((level) => `version=before-2025-07-01&level=${level}`);
  formerUnits ??= Promise.all([listToday(), ...levels.map(unitsOf)])
    .then(([today, ...former]) => formerIndexOf(former.flat(), today))
    .catch((error: unknown) => {
      formerUnits = null;
      throw error;
    });
  return formerUnits;
}

async function unitsOf(query: string): Promise<AdminUnit[]> {
  // Some thousand names: a slow telephone network needs its time.
  const reply = await call(`/v1/admin-units?${query}`, { timeoutMs: 60_000 });
  return record(reply).units as AdminUnit[];
}

let kinds: Promise<KindList["kinds"]> | null = null;

export function loadKinds(): Promise<KindList["kinds"]> {
  kinds ??= call("/v1/checkpoint-kinds")
    .then((reply) => (reply as KindList).kinds)
    .catch((error: unknown) => {
      kinds = null;
      throw error;
    });
  return kinds;
}

/**
 * Asks for a file and gives it to the browser's downloads; gives its name.
 * @throws CallProblem `network` when it broke off: a part of a file is not kept.
 */
export async function download(path: string, body: unknown, fallbackName: string): Promise<string> {
  const response = await authorisedExchange(path, { method: "POST", body, timeoutMs: 600_000 });
  const blob = await response.blob().catch((error: unknown) => {
    throw problemOf(error);
  });
  const told = /filename="([\w.-]{1,100})"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  saveFile(blob, told ?? fallbackName);
  return told ?? fallbackName;
}

/** Gives bytes to the browser's downloads. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A fault only the page can see. */
export const pageFault = (problem: string): CallProblem => new CallProblem(problem);
