import { citizenNumberFacts } from "./citizen-number.ts";
import type { CccdCode, Code, DamageReason, Sex, Warning } from "./code.ts";
import { compactDate } from "./dates.ts";
import { hasControls, hasLostLetters, isPlainAscii, looksMisdecoded } from "./letters.ts";
import { damaged } from "./outcome.ts";

/** First day a chip card could be issued (Circular 06/2021). */
const FIRST_ISSUE_DAY = "2021-01-01";

/** What is left of the shortest addresses has as many letters (`T 5, mn, Cn Th`); a bare `Gia Lai` has fewer. */
const FEWEST_ADDRESS_LETTERS = 7;

/**
 * A reader in keyboard mode may drop every letter it has no key for, or send its base letter, and leave no trace (R14).
 * A card with a whole address and not one Vietnamese letter is such a scan: about every fourth letter of Vietnamese has
 * a mark. That casts no doubt on separators and numbers, so it is no reason against a repair; and it is only a remark,
 * because a hamlet in Gia Lai or Kon Tum may truly be written so.
 */
function lacksVietnamese(fields: readonly string[]): boolean {
  const letters = fields[5]?.match(/[A-Za-z]/g) ?? [];
  return letters.length >= FEWEST_ADDRESS_LETTERS && fields.every(isPlainAscii);
}

interface PrintedSex {
  readonly sex: Sex;
  /** False when letters were lost on the way, so that the word alone proves nothing. */
  readonly whole: boolean;
}

/**
 * `Nam` or `Nữ` in any casing (R15). `Nu`, `N?` and the like are what is left of `Nữ` (R14): `Nam` is plain ASCII
 * and loses nothing on any path.
 */
function printedSex(field: string): PrintedSex | null {
  const word = field.toLowerCase();
  if (word === "nam") return { sex: "male", whole: true };
  if (word === "nữ") return { sex: "female", whole: true };
  return /^n(?:[uưũ]|[?\ufffd]{1,3})?$/.test(word) ? { sex: "female", whole: false } : null;
}

/** Where the sex stands tells how far the fields are shifted; it is field 4 of an intact card. */
function sexPosition(fields: readonly string[]): number {
  for (let at = 1; at <= 6 && at < fields.length; at += 1) {
    if (/^\d{8}$/.test(fields[at - 1] ?? "") && printedSex(fields[at] ?? "")?.whole) return at;
  }
  return -1;
}

function damagedCard(fields: readonly string[], reason: DamageReason, sexAt = 4): Code {
  const at = (position: number) => fields[sexAt + position] ?? "";
  const text = (value: string) => (value === "" || looksMisdecoded(value) || hasControls(value) ? null : value);
  const mangled = reason !== "lost-start" && fields.slice(2, 6).some(looksMisdecoded);
  const number = fields[0] ?? "";
  return damaged("cccd", mangled ? "code-page" : reason, {
    citizenNumber: citizenNumberFacts(number) ? number : null,
    oldIdNumber: /^\d{9}$/.test(at(-3)) ? at(-3) : null,
    fullName: text(at(-2)),
    dateOfBirth: compactDate(at(-1)),
    sex: printedSex(at(0))?.sex ?? null,
    address: text(at(1)),
    issuedOn: compactDate(at(2)),
  });
}

/** Payloads that rule 3a rejects and that are still plainly an ID card: cut short, or with fields missing. */
function readBroken(fields: readonly string[]): Code | null {
  const [number = "", oldId = "", , birth = ""] = fields;
  const sexAt = sexPosition(fields);
  if (sexAt > 0) {
    const lostStart = !/^\d{12}$/.test(number) && (sexAt < 4 || (sexAt === 4 && /^\d{0,11}$/.test(number)));
    return damagedCard(fields, lostStart ? "lost-start" : "bad-field", sexAt);
  }
  if (!/^\d{12}$/.test(number) || !/^\d{0,9}$/.test(oldId)) return null;
  const complete = oldId === "" || oldId.length === 9;
  if (fields.length === 2 || (complete && fields.length === 3)) return damagedCard(fields, "truncated");
  if (complete && fields.length === 4 && /^\d{0,7}$/.test(birth)) return damagedCard(fields, "truncated");
  if (complete && (printedSex(fields[4] ?? "")?.whole || /^\d{8}$/.test(fields[6] ?? ""))) {
    return damagedCard(fields, hasLostLetters(birth) ? "letters-lost" : "bad-field");
  }
  return null;
}

function hardFailure(fields: readonly string[]): DamageReason | null {
  const [number = "", oldId = "", name = "", birth = "", sex = "", , issue] = fields;
  if (issue === undefined || (fields.length === 7 && /^\d{0,7}$/.test(issue))) return "truncated";
  if (!/^\d{8}$/.test(issue)) return hasLostLetters(issue) ? "letters-lost" : "bad-field";
  if (!/^(?:\d{9})?$/.test(oldId)) return hasLostLetters(oldId) ? "letters-lost" : "bad-field";
  // A control character inside may be the seam of two half scans (R4): never taken as one card.
  if (name === "" || fields.some(hasControls)) return "bad-field";
  if (looksMisdecoded(name) || looksMisdecoded(sex)) return "code-page";
  if (!printedSex(sex)) return hasLostLetters(sex) ? "letters-lost" : "bad-field";
  if (!citizenNumberFacts(number)) return "impossible-number";
  const bornOn = compactDate(birth);
  const issuedOn = compactDate(issue);
  return bornOn === null || issuedOn === null || bornOn > issuedOn ? "impossible-date" : null;
}

/**
 * The chip card of 2021 and the Căn cước of 2024 (codes.md 3; recognition rule 3a), from its fields, empty ones
 * kept. Structure, dates and century are hard; birth year and sex against the number are warnings, since the card
 * itself may be inconsistent. `today` (ISO) only bounds the issue date. Null when it is no ID card.
 */
export function readCccd(fields: readonly string[], today: string): Code | null {
  const [number = "", oldId = "", name = "", birth = "", sexField = "", address = "", issue = ""] = fields;
  if (!/^\d{12}$/.test(number) || !/^\d{8}$/.test(birth)) return readBroken(fields);
  const failure = hardFailure(fields);
  const facts = citizenNumberFacts(number);
  const sex = printedSex(sexField);
  const dateOfBirth = compactDate(birth);
  const issuedOn = compactDate(issue);
  if (failure || !facts || !sex || !dateOfBirth || !issuedOn) return damagedCard(fields, failure ?? "bad-field");

  const extra = fields.slice(7);
  const form: CccdCode["form"] = fields.length === 7 ? "2021" : fields.length === 11 ? "2024" : "other";
  const sexAgrees = sex.sex === facts.sex;
  const warnings: Warning[] = [...facts.warnings];
  if (!sexAgrees) warnings.push("sex-mismatch");
  if (Number(dateOfBirth.slice(0, 4)) !== facts.birthYear) warnings.push("birth-year-mismatch");
  if (issuedOn < FIRST_ISSUE_DAY || issuedOn > today) warnings.push("issue-date-out-of-range");
  if (extra.some((field) => field !== "")) warnings.push("extra-fields");
  if (form === "other") warnings.push("unusual-field-count");
  if (!sex.whole || looksMisdecoded(address) || fields.some(hasLostLetters)) warnings.push("letters-lost");
  else if (lacksVietnamese(fields)) warnings.push("no-vietnamese-letters");
  return {
    kind: "cccd",
    form,
    fields: {
      citizenNumber: number,
      oldIdNumber: oldId === "" ? null : oldId,
      fullName: name,
      dateOfBirth,
      sex: sex.whole || sexAgrees ? sex.sex : null,
      address: address === "" ? null : address,
      issuedOn,
      extra,
    },
    warnings,
    repairs: [],
  };
}
