import type { WireEntry } from "../contract/entries.ts";
import { normalisePhone } from "../contract/people.ts";
import type { SubjectIdentity } from "../contract/privacy.ts";
import type { CentralKeys } from "./keys.ts";

/** Numbers of citizens have 12 digits; the last ten characters of a health insurance card are its stable number. */
const citizenDigits = 12;
const insuranceDigits = 10;

/**
 * A keyed hash that is the same whenever the same person's code of the same sort is scanned. It answers "who is
 * inside" without a readable number; two documents of one person stay two persons.
 */
export function personTag(keys: CentralKeys, entry: Pick<WireEntry, "fields" | "raw_b64">): string {
  return keys.tag("person", identityOf(entry));
}

/** Keyed hashes of everything else a person may ask to be found by that this code tells. */
export function otherTags(keys: CentralKeys, entry: Pick<WireEntry, "fields" | "raw_b64">): string[] {
  const text = (name: string): string | null => {
    const value = entry.fields[name];
    return typeof value === "string" ? value.trim() : null;
  };
  const document = text("documentNumber");
  const insurance = text("insuranceNumber");
  const phone = normalisePhone(text("phone") ?? "");
  const identities = [
    ...(document !== null && /^\d{12}$/.test(document) ? [documentIdentity(document)] : []),
    ...(insurance !== null && insurance.length >= insuranceDigits ? [insuranceIdentity(insurance)] : []),
    ...(phone === null ? [] : [`phone:${phone}`]),
  ];
  const own = identityOf(entry);
  return [...new Set(identities)]
    .filter((identity) => identity !== own)
    .map((identity) => keys.tag("person", identity));
}

/** The keyed hashes by which the entries of a person are found. */
export function subjectTags(keys: CentralKeys, subject: SubjectIdentity): string[] {
  const phone = normalisePhone(subject.phone ?? "");
  return [
    ...(subject.citizen_number === undefined ? [] : [`citizen:${subject.citizen_number}`]),
    ...(subject.insurance_number === undefined ? [] : [insuranceIdentity(subject.insurance_number)]),
    ...(phone === null ? [] : [`phone:${phone}`]),
  ].map((identity) => keys.tag("person", identity));
}

const insuranceIdentity = (card: string) => `insurance:${card.slice(-insuranceDigits)}`;

function identityOf({ fields, raw_b64 }: Pick<WireEntry, "fields" | "raw_b64">): string {
  const text = (name: string): string | null => {
    const value = fields[name];
    return typeof value === "string" && value.trim() !== "" ? value.normalize("NFC").trim() : null;
  };
  const citizen = text("citizenNumber");
  if (citizen !== null) return `citizen:${citizen}`;
  const card = text("cardCode");
  if (card !== null) return insuranceIdentity(card);
  const qid = text("qid");
  if (qid !== null) return `qid:${qid}`;
  const document = text("documentNumber") ?? text("value");
  if (document !== null) return documentIdentity(document);
  const certificate = text("certificateId") ?? text("id");
  if (certificate !== null) return `certificate:${certificate}`;
  const name = text("fullName");
  if (name !== null) return `name:${name.toLocaleLowerCase("vi")}:${text("dateOfBirth") ?? ""}`;
  return `raw:${raw_b64}`;
}

/** A typed number stands for the same person as the card it is printed on. */
function documentIdentity(value: string): string {
  if (/^\d+$/.test(value) && value.length === citizenDigits) return `citizen:${value}`;
  if (/^[A-Z]{2}\d{13}$|^\d{10}$/.test(value)) return insuranceIdentity(value);
  return `document:${value}`;
}
