import type { BhytCode, Code, DamageReason, Sex, Warning } from "./code.ts";
import { slashedDate, slashedDateFault, slashedDateOrYear } from "./dates.ts";
import { readHexText, showsInputMethod } from "./hex-text.ts";
import { hasControls } from "./letters.ts";
import { OBJECT_CODES } from "./object-codes.ts";
import { damaged, withRepairs } from "./outcome.ts";
import { INSURANCE_PROVINCES } from "./place-codes.ts";

const CARD_CODE_15 = /^[A-Z]{2}[1-9]\d{2}(?:\d{10}|[A-VX-Z][A-Z]\d{8})$/;
const BIRTH_SHAPE = /^(?:\d{1,2}\/\d{1,2}\/)?\d{4}$/;

/** True for the 15-character card code: object, level, province, ten more (codes.md 4.2). */
export function isCardCode15(text: string): boolean {
  return CARD_CODE_15.test(text);
}

/** Warnings about the parts of a 15-character code that newer lists may know better. */
export function cardCodeWarnings(cardCode: string): Warning[] {
  if (cardCode.length !== 15) return [];
  const warnings: Warning[] = [];
  if (!OBJECT_CODES.has(cardCode.slice(0, 2))) warnings.push("unlisted-object-code");
  if (!INSURANCE_PROVINCES.has(cardCode.slice(3, 5))) warnings.push("unlisted-province");
  return warnings;
}

function isCardCode(text: string): boolean {
  return /^\d{10}$/.test(text) || isCardCode15(text);
}

function sexOf(field: string | undefined): Sex | null {
  return field === "1" ? "male" : field === "2" ? "female" : null;
}

function isEndMarker(field: string | undefined): boolean {
  return field === "$" || field === "#";
}

function isEmptyMarker(field: string | undefined): boolean {
  return field === undefined || field === "" || field === "-";
}

function damagedCard(fields: readonly string[], reason: DamageReason): Code {
  const [cardCode = "", name = "", birth = "", sex, address = "", , validFrom = "", validTo = ""] = fields;
  return damaged("bhyt", reason, {
    cardCode: isCardCode(cardCode) ? cardCode : null,
    fullName: readHexText(name)?.text ?? null,
    dateOfBirth: slashedDateOrYear(birth),
    sex: sexOf(sex),
    address: readHexText(address)?.text ?? null,
    validFrom: slashedDate(validFrom),
    validTo: slashedDate(validTo),
  });
}

/** Payloads that rule 3b rejects and that are still plainly a BHYT card. */
function readBroken(fields: readonly string[]): Code | null {
  const [cardCode = "", name = "", birth = "", sex] = fields;
  const ended = isEndMarker(fields.at(-1)) && fields.length >= 8;
  if (isCardCode(cardCode)) {
    const begun = fields.length === 2 || fields.length === 3 || (fields.length === 4 && sex === "");
    if (begun && /^[0-9A-Fa-f]*$/.test(name) && /^[\d/]{0,10}$/.test(birth)) return damagedCard(fields, "truncated");
    return ended ? damagedCard(fields, "bad-field") : null;
  }
  if (!ended && !(birth.includes("/") && BIRTH_SHAPE.test(birth) && sexOf(sex))) return null;
  return damagedCard(fields, /^[A-Z0-9]{0,14}$/.test(cardCode) && sexOf(sex) ? "lost-start" : "bad-field");
}

/** The dates a card always carries, and those it may leave out with `-`. */
function dateFailure(fields: readonly string[], length: number): DamageReason | null {
  const birth = fields[2] ?? "";
  if (slashedDateOrYear(birth) === null) return slashedDateFault(birth);
  const optional = [7, 8, 12].filter((at) => at < length && !isEmptyMarker(fields[at]?.trim()));
  const failed = [6, ...optional].map((at) => fields[at] ?? "").find((field) => slashedDate(field) === null);
  return failed === undefined ? null : slashedDateFault(failed);
}

function hardFailure(fields: readonly string[]): DamageReason | null {
  if (!isEndMarker(fields.at(-1))) return "truncated";
  const length = fields.length - 1;
  if (length < 9 || length === 15 || length > 16 || fields.some(hasControls)) return "bad-field";
  const failedDate = dateFailure(fields, length);
  if (failedDate) return failedDate;
  // A pipe lost or gained further back shows here: these two fields are one sign, or absent.
  if (length > 11 && !/^(?:\d{1,2}|K[123]|-)?$/.test(fields[11] ?? "")) return "bad-field";
  return length === 16 && !/^(?:\d|-)?$/.test(fields[14] ?? "") ? "bad-field" : null;
}

/** Field 9 repeats the person's number and usually the province: the only redundancy of the card (codes.md 4.2). */
function managementWarnings(cardCode: string, managementCode: string | undefined): Warning[] {
  if (isEmptyMarker(managementCode)) return [];
  const warnings: Warning[] = [];
  const tail = cardCode.slice(-10);
  if (/^\d{10}$/.test(tail) && managementCode?.slice(-10) !== tail) warnings.push("management-code-mismatch");
  if (cardCode.length === 15 && managementCode?.slice(0, 2) !== cardCode.slice(3, 5)) {
    warnings.push("management-province-mismatch");
  }
  return warnings;
}

/** Collects the text fields; each fails for itself and leaves the others trusted. */
class TextFields {
  readonly warnings = new Set<Warning>();
  composed = false;

  hex(field: string | undefined, unreadable: Warning): string | null {
    const value = field === undefined ? null : readHexText(field);
    if (value === null) {
      this.warnings.add(unreadable);
      if (field !== undefined && showsInputMethod(field)) this.warnings.add("input-method");
      return null;
    }
    if (value.utf16) this.warnings.add("text-utf16");
    this.composed ||= value.composed;
    return value.text;
  }

  optionalHex(field: string | undefined, unreadable: Warning): string | null {
    return isEmptyMarker(field) ? null : this.hex(field, unreadable);
  }

  /** Plain text with lost letters is printed on some child cards (codes.md 4.4): kept literally. */
  parentName(field: string | undefined): string | null {
    if (field === undefined || isEmptyMarker(field)) return null;
    const value = readHexText(field);
    if (value) return value.text;
    this.warnings.add("parent-name-unreadable");
    return field;
  }

  facility(field: string | undefined): string | null {
    if (field === undefined || isEmptyMarker(field)) return null;
    if (/^\d{2} ?[-–] ?[0-9A-Za-z]{3}$/.test(field)) return field;
    this.warnings.add("facility-unreadable");
    return null;
  }
}

/**
 * The BHYT health-insurance card (codes.md 4; recognition rule 3b), from its fields, empty ones kept. Card code,
 * dates, sex and end marker are hard; name, address and facility each stand for themselves. `today` (ISO) only
 * tells an expired card. Null when it is no BHYT card.
 */
export function readBhyt(fields: readonly string[], today: string): Code | null {
  const [cardCode = "", name, birth = "", sexField] = fields;
  const sex = sexOf(sexField);
  if (!isCardCode(cardCode) || !BIRTH_SHAPE.test(birth) || !sex) return readBroken(fields);
  const failure = hardFailure(fields);
  if (failure) return damagedCard(fields, failure);

  const length = fields.length - 1;
  const at = (position: number) => (position < length ? fields[position] : undefined);
  const literal = (position: number) => (isEmptyMarker(at(position)) ? null : (at(position) ?? null));
  const form: BhytCode["form"] = length === 14 ? "15" : length === 16 ? "17" : "short";
  const texts = new TextFields();
  const validTo = slashedDate(at(7) ?? "");
  const readable: BhytCode["fields"] = {
    cardCode,
    fullName: texts.hex(name, "name-unreadable"),
    dateOfBirth: slashedDateOrYear(birth),
    sex,
    address: texts.optionalHex(at(4), "address-unreadable"),
    facility: texts.facility(at(5)),
    validFrom: slashedDate(at(6) ?? ""),
    validTo,
    issuedOn: slashedDate(at(8) ?? ""),
    managementCode: literal(9),
    parentName: texts.parentName(at(10)),
    livingArea: literal(11),
    fiveYearsFrom: slashedDate(at(12) ?? ""),
    checkString: literal(13),
    benefitLevel: literal(14),
    issuePlace: texts.optionalHex(at(15), "issue-place-unreadable"),
  };
  const warnings: Warning[] = [
    ...texts.warnings,
    ...managementWarnings(cardCode, at(9)),
    ...cardCodeWarnings(cardCode),
  ];
  if (form === "short") warnings.push("short-form");
  else if ((form === "15") !== (cardCode.length === 15)) warnings.push("unusual-field-count");
  if (fields.at(-1) === "#") warnings.push("end-marker-hash");
  if (validTo !== null && validTo < today) warnings.push("expired");
  const code: BhytCode = { kind: "bhyt", form, fields: readable, warnings, repairs: [] };
  return texts.composed ? withRepairs(code, ["R9"]) : code;
}
