import type { Place } from "./wire.ts";

export interface PlaceNode {
  readonly place: Place;
  readonly parts: readonly PlaceNode[];
}

/** Places under the place they are a part of; one whose parent is not in the list stands by itself. */
export function placeTree(places: readonly Place[]): PlaceNode[] {
  const known = new Set(places.map(({ id }) => id));
  const under = Map.groupBy(places, ({ parent_id }) => (parent_id !== null && known.has(parent_id) ? parent_id : null));
  const nodes = (parentId: string | null): PlaceNode[] =>
    (under.get(parentId) ?? [])
      .toSorted((left, right) => rank(left) - rank(right) || left.name.localeCompare(right.name, "vi"))
      .map((place) => ({ place, parts: nodes(place.id) }));
  return nodes(null);
}

/** What is closed comes last. */
const rank = ({ state }: Place): number => (state === "closed" || state === "merged" ? 1 : 0);
