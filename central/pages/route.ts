import { signal } from "@preact/signals";

/** Pages of one place, in the order of its menu. */
export const sections = [
  "overview",
  "live",
  "held",
  "staff",
  "devices",
  "poster",
  "exports",
  "settings",
  "access",
  "edit",
] as const;
export type Section = (typeof sections)[number];

/** Where the reader is. An address holds ids and the short code of a waiting machine, never a personal value. */
export type Route =
  | { readonly page: "places" }
  | { readonly page: "live" }
  | { readonly page: "check" }
  | { readonly page: "requests" }
  | { readonly page: "register"; readonly parentId: string | null }
  | { readonly page: "enrol"; readonly userCode: string }
  | { readonly page: "place"; readonly id: string; readonly section: Section }
  | { readonly page: "unknown" };

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The page an address names by its fragment, which no server sees. */
export function routeOf(fragment: string): Route {
  const [first = "", second = "", third = "", ...rest] = fragment.replace(/^#?\/?/, "").split("/");
  if (rest.length > 0) return { page: "unknown" };
  switch (first) {
    case "":
      return { page: "places" };
    case "live":
    case "check":
    case "requests":
      return second === "" ? { page: first } : { page: "unknown" };
    case "register":
      return { page: "register", parentId: uuid.test(second) ? second : null };
    case "enrol":
      return { page: "enrol", userCode: /^[\w-]{0,20}$/.test(second) ? second : "" };
    case "place": {
      const section = sections.find((known) => known === (third || "overview"));
      return uuid.test(second) && section ? { page: "place", id: second, section } : { page: "unknown" };
    }
    default:
      return { page: "unknown" };
  }
}

/** The fragment of a page of a place. */
export const placePath = (id: string, section: Section = "overview"): string =>
  section === "overview" ? `#/place/${id}` : `#/place/${id}/${section}`;

export const route = signal<Route>({ page: "places" });

/** Keeps {@link route} at what the browser's address says. */
export function followAddress(): void {
  const read = () => {
    route.value = routeOf(location.hash);
  };
  addEventListener("hashchange", read);
  read();
}

/** Goes to a page of this program. */
export function go(fragment: string): void {
  location.hash = fragment;
}
