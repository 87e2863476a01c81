import { readPlaceCode } from "../../contract/signed-code.ts";
import type { Code, UrlCode } from "./code.ts";
import { damaged, UNKNOWN } from "./outcome.ts";

/** The systems of 2021 whose URLs were declarations or place codes (codes.md 7); sub-domains included. */
const HOSTS = ["tokhaiyte.vn", "pccovid.gov.vn", "bluezone.gov.vn", "khambenh.gov.vn"] as const;

const UUID = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/;

function hostOf(url: string): string | null {
  const authority = /^https?:\/\/([^/?#\\\s]{1,255})/i.exec(url)?.[1];
  return authority && /^[A-Za-z0-9.-]+(?::\d{1,5})?$/.test(authority)
    ? authority.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase()
    : null;
}

/** A place code of our own, whatever address its centre has; null when the text is none. */
function readTramPlace(text: string): Code | null {
  const read = readPlaceCode(text);
  if (read === null) return null;
  if (read === "damaged") return damaged("tram-place", "truncated");
  const { checkpointId: id, issuedOn, kid, number } = read;
  const form = number === 1 ? "1" : "2";
  return {
    kind: "tram-place",
    form,
    fields: { id, issuedOn, kid, number, text },
    warnings: ["not-verified"],
    repairs: [],
  };
}

/**
 * Our own place code, or a URL of the health-declaration systems (codes.md 7; recognition rule 2). `id=` makes it a declaration, everything
 * else on these hosts a place. UUIDs are case-insensitive and come back in lower case; `url` stays as read.
 * Null when the text is no URL; unknown when its host is not in the table.
 */
export function readUrl(text: string): Code | null {
  if (!/^https?:\/\//i.test(text)) return null;
  // What no URL holds came from a second scan; the id would swallow it.
  if (/[\s|<>"\p{Cc}]/u.test(text)) return UNKNOWN;
  const ours = readTramPlace(text);
  if (ours !== null) return ours;
  const host = hostOf(text);
  if (host === null || !HOSTS.some((known) => host === known || host.endsWith(`.${known}`))) return UNKNOWN;
  const placeId = /\/qr\/([A-Za-z0-9-]+)/.exec(text)?.[1];
  const declarationId = placeId === undefined ? /[?&/]id=([A-Za-z0-9-]+)/.exec(text)?.[1] : undefined;
  const id = placeId ?? declarationId ?? null;
  const kind: UrlCode["kind"] = declarationId === undefined ? "place" : "declaration";
  return {
    kind,
    form: host,
    fields: { id: id !== null && UUID.test(id) ? id.toLowerCase() : id, url: text },
    warnings: [],
    repairs: [],
  };
}
