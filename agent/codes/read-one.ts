import { readBhyt } from "./bhyt.ts";
import { readCccd } from "./cccd.ts";
import { readCertificate } from "./certificate.ts";
import type { Code } from "./code.ts";
import { readNumber } from "./number.ts";
import { UNKNOWN } from "./outcome.ts";
import { readPersonal } from "./personal.ts";
import { readTramInvitation } from "./tram-invitation.ts";
import { readUrl } from "./url.ts";

/** The types told apart by their fields. Intact before broken: a damaged look must not hide another type. */
function readFields(fields: readonly string[], today: string): Code {
  const readings = [readCccd(fields, today), readBhyt(fields, today), readPersonal(fields)].filter(
    (code) => code !== null,
  );
  return readings.find((code) => code.kind !== "damaged") ?? readings[0] ?? UNKNOWN;
}

/**
 * One transport-cleaned NFC payload as one code, nothing repaired: the recognition order of codes.md 2, empty
 * fields kept. `today` (ISO) only feeds warnings.
 */
export function readOne(text: string, today: string): Code {
  const byPrefix = readCertificate(text, today) ?? readTramInvitation(text) ?? readUrl(text);
  if (byPrefix) return byPrefix;
  return text.includes("|") ? readFields(text.split("|"), today) : (readNumber(text) ?? UNKNOWN);
}
