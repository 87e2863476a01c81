import type { Code } from "./code.ts";

const HIDDEN = "•";

/** Bidi controls and zero-width characters: they reorder or disguise what stands on a screen. Not the letters' marks. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text made safe for a screen: invisible and bidi characters gone, control characters as spaces. */
export function displayText(text: string): string {
  return text
    .replace(INVISIBLE, "")
    .replace(/\p{Cc}+/gu, " ")
    .trim();
}

/** The ten-digit BHXH number behind a card code where there is one; older codes stand for themselves. */
function insuranceKey(cardCode: string): string {
  const number = cardCode.slice(-10);
  return `bhyt:${/^\d{10}$/.test(number) ? number : cardCode}`;
}

function numberKey(form: string, value: string): string | null {
  switch (form) {
    case "citizen":
      return `citizen:${value}`;
    case "old-id":
      return `old-id:${value}`;
    case "bhyt":
    case "social-insurance":
      return insuranceKey(value);
    default:
      return null;
  }
}

/**
 * One string for the person behind a code, the same whichever of their codes carries the number; null when there is
 * nobody (a place, a declaration, a paper label, anything damaged). A masked personal QR is known by its QID, its
 * only stable key (codes.md 5).
 */
export function personKey(code: Code): string | null {
  switch (code.kind) {
    case "cccd":
      return `citizen:${code.fields.citizenNumber}`;
    case "bhyt":
      return insuranceKey(code.fields.cardCode);
    case "number":
      return numberKey(code.form, code.fields.value);
    case "personal":
      return /^\d{12}$/.test(code.fields.documentNumber)
        ? `citizen:${code.fields.documentNumber}`
        : `qid:${code.fields.qid}`;
    case "certificate": {
      const { certificateId, fullName, dateOfBirth } = code.fields;
      return certificateId || fullName ? `certificate:${certificateId ?? `${fullName}|${dateOfBirth ?? ""}`}` : null;
    }
    case "tram-personal":
      return `tram:${code.fields.id}`;
    case "declaration":
    case "place":
    case "tram-place":
    case "tram-invitation":
    case "damaged":
    case "unknown":
      return null;
  }
}

function maskName(name: string | null): string | null {
  const words =
    name === null
      ? []
      : displayText(name)
          .split(/\s+/)
          .filter((word) => word !== "");
  if (words.length === 0) return null;
  return words
    .map((word, at) => {
      const letters = Array.from(word.replaceAll("*", HIDDEN));
      const whole = at > 0 && at === words.length - 1;
      return whole ? letters.join("") : (letters[0] ?? "") + HIDDEN.repeat(letters.length - 1);
    })
    .join(" ");
}

/**
 * Always five dots, so that the length tells nothing. Below 12 characters seven shown ones would give the rest away, so
 * only the end is shown; below 8 nothing is. The centre masks by the same table (`central/masking.ts`).
 */
function maskNumber(number: string | null): string | null {
  if (number === null) return null;
  const visible = Array.from(displayText(number).replaceAll("*", HIDDEN).replace(/\s/g, ""));
  if (visible.length === 0) return null;
  const dots = HIDDEN.repeat(5);
  if (visible.length < 8) return dots;
  return (visible.length < 12 ? "" : visible.slice(0, 3).join("")) + dots + visible.slice(-4).join("");
}

/** What a shared screen may show of a person. */
export interface MaskedPerson {
  /** First letter of each word, the last of several whole: `N••••• T•• Mẫu`. */
  readonly name: string | null;
  /** First three and last four characters: `079•••••0001`. */
  readonly number: string | null;
}

/** What a code says of its person; null is what it does not hold. */
function personOf(code: Code): { readonly name: string | null; readonly number: string | null } {
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  switch (code.kind) {
    case "cccd":
      return { name: code.fields.fullName, number: code.fields.citizenNumber };
    case "bhyt":
      return { name: code.fields.fullName, number: code.fields.cardCode };
    case "personal":
      return { name: code.fields.fullName, number: code.fields.documentNumber };
    case "certificate":
    case "tram-personal":
      return { name: code.fields.fullName, number: null };
    case "number":
      return { name: null, number: code.fields.value };
    case "damaged": {
      const { fullName, citizenNumber, cardCode, documentNumber } = code.fields;
      return { name: text(fullName), number: text(citizenNumber ?? cardCode ?? documentNumber) };
    }
    case "declaration":
    case "place":
    case "tram-place":
    case "tram-invitation":
    case "unknown":
      return { name: null, number: null };
  }
}

/** Name and number of a code for screens; characters its owner starred stay hidden. Null where it has none. */
export function maskedPerson(code: Code): MaskedPerson {
  const { name, number } = personOf(code);
  return { name: maskName(name), number: maskNumber(number) };
}

/** The same unmasked, safe for a screen; `agent/policy.ts` alone says when. */
export function fullPerson(code: Code): MaskedPerson {
  const shown = (text: string | null): string | null => {
    const visible = text === null ? "" : displayText(text.replaceAll("*", HIDDEN));
    return visible === "" ? null : visible;
  };
  const { name, number } = personOf(code);
  return { name: shown(name), number: shown(number) };
}
