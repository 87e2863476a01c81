import { signal } from "@preact/signals";
import { type CallOptions, CallProblem, call, record } from "./api.ts";
import { authorisedExchange } from "./session.ts";
import { districtsIn, formerIndexOf, indexOf, type UnitIndex } from "./units.ts";
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

/** Lists of administrative units by the query that gave them; asked for once a session. */
const unitLists = new Map<string, Promise<AdminUnit[]>>();

/** Today's communes. */
export async function loadUnits(): Promise<UnitIndex> {
  return indexOf(await unitsOf(unitsToday));
}

const unitsToday = "version=2025-07-01";
const unitsBefore = "version=before-2025-07-01";
const mostDistricts = 8;

/** Communes of the list before, in the districts that `query` names, leading to what they became. */
export async function loadFormerUnits(query: string): Promise<UnitIndex> {
  const above = await Promise.all(["province", "district"].map((level) => unitsOf(`${unitsBefore}&level=${level}`)));
  const districts = districtsIn(above.flat(), query).slice(0, mostDistricts);
  const communes = await Promise.all(districts.map(({ code }) => unitsOf(`${unitsBefore}&parent=${code}`)));
  return formerIndexOf([...above, ...communes].flat(), await unitsOf(unitsToday));
}

function unitsOf(query: string): Promise<AdminUnit[]> {
  const known = unitLists.get(query);
  if (known) return known;
  // Some thousand names: a slow telephone network needs its time.
  const asked = call(`/v1/admin-units?${query}`, { timeoutMs: 60_000 }).then(
    (reply) => record(reply).units as AdminUnit[],
  );
  unitLists.set(query, asked);
  asked.catch(() => unitLists.delete(query));
  return asked;
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
 * @throws CallProblem `broken_off` when it did: a part of a file is not kept.
 */
export async function download(path: string, body: unknown, fallbackName: string): Promise<string> {
  const response = await authorisedExchange(path, { method: "POST", body, timeoutMs: 600_000 });
  const blob = await response.blob().catch(() => {
    throw new CallProblem("broken_off");
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
