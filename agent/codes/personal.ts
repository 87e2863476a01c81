import { isCardCode15 } from "./bhyt.ts";
import type { Code, DamageReason, PersonalCode, Sex } from "./code.ts";
import { maskedDate } from "./dates.ts";
import { hasControls } from "./letters.ts";
import { damaged } from "./outcome.ts";

/** More fields than this hold a second scan, not an unusual extension. */
const MOST_FIELDS = 10;

function isDateShape(field: string | undefined): boolean {
  return field !== undefined && /^[\d*]{4}-[\d*]{1,2}-[\d*]{1,2}$/.test(field);
}

function declaredBy(field: string | undefined): "self" | "other" | null {
  return field === "0" ? "self" : field === "1" ? "other" : null;
}

type Extension = Pick<PersonalCode["fields"], "declarerQid" | "sex" | "insuranceNumber" | "phone">;

/**
 * EXT: declarer's QID, sex, BHYT number, phone, signature, each ended by `<`. One real example starts with the sex
 * and many leave items out, so each item is taken only when it has its own shape.
 */
function readExtension(raw: string): Extension {
  const items = raw.split("<", 6);
  if (/^[012]$/.test(items[0] ?? "") && !/^[012]$/.test(items[1] ?? "")) items.unshift("");
  const [declarer = "", sexDigit, insurance = "", phone = ""] = items;
  const sex: Sex | null = sexDigit === "1" ? "male" : sexDigit === "2" ? "female" : null;
  return {
    declarerQid: /^[0-9A-Za-z-]{2,64}$/.test(declarer) ? declarer : null,
    sex,
    insuranceNumber: isCardCode15(insurance) || /^(?:\d|\*){10,15}$/.test(insurance) ? insurance : null,
    phone: /^\+?[\d*]{9,12}$/.test(phone) ? phone : null,
  };
}

function hardFailure(fields: readonly string[]): DamageReason | null {
  const [document = "", name = "", birth = "", , qid = ""] = fields;
  if (fields.length < 6) return "truncated";
  if (fields.length > MOST_FIELDS) return "ambiguous-repair";
  if (fields.some(hasControls)) return "bad-field";
  if (/^[0-9A-Z*]{0,5}$/.test(document)) return "lost-start";
  if (!/^[0-9A-Z*]{6,20}$/.test(document) || !/^[A-Z ]+$/.test(name) || !/^[!-~]+$/.test(qid)) return "bad-field";
  return maskedDate(birth) === null ? "impossible-date" : null;
}

/**
 * The personal QR of Decision 1405/QĐ-BTTTT (codes.md 5; recognition rule 3c), from its fields. Masked characters
 * stay stars: digits are never invented, and the citizen-number checks do not apply (the official example fails
 * them). Null when it is no personal QR.
 */
export function readPersonal(fields: readonly string[]): Code | null {
  const [documentNumber = "", fullName = "", birth = "", declared, qid = ""] = fields;
  const declarer = declaredBy(declared);
  if (!isDateShape(birth) || declarer === null) return null;
  const failure = hardFailure(fields);
  const dateOfBirth = maskedDate(birth);
  if (failure || dateOfBirth === null) {
    return damaged("personal", failure ?? "impossible-date", {
      documentNumber: /^[0-9A-Z*]{6,20}$/.test(documentNumber) ? documentNumber : null,
      fullName: /^[A-Z ]+$/.test(fullName) ? fullName : null,
      dateOfBirth,
      qid: fields.length > 5 && /^[!-~]+$/.test(qid) ? qid : null,
    });
  }
  const extension = readExtension(fields.slice(5).join("|"));
  return {
    kind: "personal",
    form: "1405",
    fields: { documentNumber, fullName, dateOfBirth, declaredBy: declarer, qid, ...extension },
    warnings: fields.length > 6 ? ["unusual-field-count"] : [],
    repairs: [],
  };
}
