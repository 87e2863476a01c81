import { cardCodeWarnings, isCardCode15 } from "./bhyt.ts";
import { citizenNumberFacts } from "./citizen-number.ts";
import type { Code, NumberCode, Warning } from "./code.ts";
import { damaged } from "./outcome.ts";

/** True when `digits` followed by `check` satisfies Luhn. */
function luhnHolds(digits: string, check: number): boolean {
  let sum = check;
  for (let back = 0; back < digits.length; back += 1) {
    const digit = Number(digits[digits.length - 1 - back]);
    const weighed = back % 2 === 0 ? digit * 2 : digit;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}

function number(form: NumberCode["form"], value: string, warnings: readonly Warning[] = []): NumberCode {
  return { kind: "number", form, fields: { value }, warnings, repairs: [] };
}

/**
 * A bare number, typed or from a barcode (codes.md 2, rule 4). Ten digits may be a BHXH number or the hospital's own
 * patient number: somebody has to be asked. Null when it is none of the known numbers.
 */
export function readNumber(text: string): Code | null {
  if (/^\d{12}$/.test(text)) {
    const facts = citizenNumberFacts(text);
    return facts ? number("citizen", text, facts.warnings) : damaged("cccd", "impossible-number");
  }
  if (/^\d{9}$/.test(text)) return number("old-id", text);
  if (/^\d{10}$/.test(text)) return number("social-insurance", text, ["ambiguous-number"]);
  if (isCardCode15(text)) return number("bhyt", text, cardCodeWarnings(text));
  const label = /^(\d)-(\d{1,32})$/.exec(text);
  return label && luhnHolds(label[2] ?? "", Number(label[1])) ? number("paper-label", text) : null;
}
