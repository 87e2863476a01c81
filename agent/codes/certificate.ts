import { entry, inflateCertificate, readClaims } from "./certificate-envelope.ts";
import type { Code, Warning } from "./code.ts";
import { isoDate } from "./dates.ts";
import { compose } from "./letters.ts";
import { damaged, withRepairs } from "./outcome.ts";

/** CWT claim numbers (RFC 8392) and the health certificate claim of the EU format. */
const ISSUER = 1;
const EXPIRES_AT = 4;
const ISSUED_AT = 6;
const HEALTH_CERTIFICATE = -260;

function text(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? compose(value.trim()) : null;
}

/** UTC day of a CWT NumericDate (seconds), moved by whole years; null when absent or out of range. */
function dayOf(seconds: unknown, laterYears = 0): string | null {
  if (typeof seconds !== "number" || !Number.isFinite(seconds) || Math.abs(seconds) > 1e11) return null;
  const at = new Date(seconds * 1000);
  const [year, month] = [at.getUTCFullYear() + laterYears, at.getUTCMonth() + 1];
  return isoDate(year, month, at.getUTCDate()) ?? isoDate(year, month, 28);
}

/** The first vaccination, test or recovery entry: it holds the issuer and the certificate number. */
function firstEntry(certificate: unknown): unknown {
  for (const group of ["v", "t", "r"]) {
    const entries = entry(certificate, group);
    if (Array.isArray(entries) && entries.length > 0) return entries[0];
  }
  return undefined;
}

function readInflated(inflated: Uint8Array, today: string): Code {
  const claims = readClaims(inflated);
  const certificate = entry(entry(claims, HEALTH_CERTIFICATE), 1);
  const name = entry(certificate, "nam");
  const family = text(entry(name, "fn")) ?? text(entry(name, "fnt"));
  const given = text(entry(name, "gn")) ?? text(entry(name, "gnt"));
  const fullName = [family, given].filter((part) => part !== null).join(" ");
  if (fullName === "") return damaged("certificate", "bad-field");

  const first = firstEntry(certificate);
  // The decision ends a certificate 12 months after its making, though the claim may say later.
  const yearAfterIssue = dayOf(entry(claims, ISSUED_AT), 1);
  const expiresOn = dayOf(entry(claims, EXPIRES_AT)) ?? yearAfterIssue;
  const warnings: Warning[] = ["not-verified"];
  if ([expiresOn, yearAfterIssue].some((day) => day !== null && day < today)) warnings.push("expired");
  return {
    kind: "certificate",
    form: "hc1",
    fields: {
      fullName,
      dateOfBirth: text(entry(certificate, "dob")),
      issuer: text(entry(first, "is")) ?? text(entry(claims, ISSUER)),
      expiresOn,
      certificateId: text(entry(first, "ci")),
      verified: false,
    },
    warnings,
    repairs: [],
  };
}

/**
 * A vaccine certificate of Decision 5772/QĐ-BYT in the EU format (codes.md 6; recognition rule 1): read and never
 * trusted, since the signing keys can no longer be fetched. A final space may be data or the reader's, and only
 * inflating tells. Null when the text does not start with `HC1:`.
 */
export function readCertificate(payload: string, today: string): Code | null {
  if (!payload.startsWith("HC1:")) return null;
  const body = payload.slice(4);
  const bare = body.trimEnd();
  const exact = inflateCertificate(body);
  if (exact !== null) return readInflated(exact, today);
  const trimmed = bare === body ? null : inflateCertificate(bare);
  return trimmed === null
    ? damaged("certificate", "does-not-inflate")
    : withRepairs(readInflated(trimmed, today), ["R3"]);
}
