import { type CleanText, cleanTransport } from "./clean.ts";
import type { Code, Repair } from "./code.ts";
import { fromLegacyBytes, reencoded } from "./code-pages.ts";
import { splitJoined } from "./joined.ts";
import { damaged, isUsable, UNKNOWN, withRepairs } from "./outcome.ts";
import { readOne } from "./read-one.ts";
import { withoutControls, withoutLabel, withPipes, withPlainDigits } from "./repairs.ts";

/** The largest QR code holds 7,089 characters; two of them joined are under this. More is no scan. */
const MAX_PAYLOAD_BYTES = 16 * 1024;

/**
 * Code pages are tried on what can be a card: the longest has 214 bytes (codes.md 9), three times that when shown in a
 * wrong page. Longer text would only cost time.
 */
const MAX_REENCODED_BYTES = 1024;

/** What the recogniser may know besides the bytes. */
export interface RecogniseOptions {
  /** ISO date, for warnings only (`expired`, `issue-date-out-of-range`): the PC clock may be wrong. */
  readonly today: string;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(bytes: Uint8Array): { text: string; exact: boolean } {
  try {
    return { text: strictUtf8.decode(bytes), exact: true };
  } catch {
    return { text: lenientUtf8.decode(bytes), exact: false };
  }
}

function alone(codes: readonly Code[], repairs: readonly Repair[]): Code[][] {
  return codes.map((code) => [withRepairs(code, repairs)]);
}

/** A code id in front of a citizen number still fits the wide shape of document numbers; no passport is that long. */
function hasLabelledDocument(plain: Code): boolean {
  return plain.kind === "personal" && /^[A-Z][\d*]{12}$/.test(plain.fields.documentNumber);
}

/** Every repair that succeeds on its own. A payload already usable is only asked for a second scan or a code page. */
function proposals(bytes: Uint8Array, exact: boolean, cleaned: CleanText, plain: Code, today: string): Code[][] {
  const beforeNfc = cleaned.repairs.filter((repair) => repair !== "R9");
  const joined = splitJoined(cleaned.uncomposed, today);
  const found = [
    ...(joined ? [joined.map((code, at) => (at === 0 ? withRepairs(code, beforeNfc) : code))] : []),
    ...(bytes.length > MAX_REENCODED_BYTES
      ? []
      : alone(exact ? reencoded(cleaned.uncomposed, today) : fromLegacyBytes(bytes, today), beforeNfc)),
  ];
  if (hasLabelledDocument(plain)) found.push(...alone(withoutLabel(cleaned.text, today), cleaned.repairs));
  if (isUsable(plain)) return found;
  const rows = [withoutLabel, withPlainDigits, withoutControls, withPipes];
  return [...found, ...rows.flatMap((row) => alone(row(cleaned.text, today), cleaned.repairs))];
}

function meaning(codes: readonly Code[]): string {
  return JSON.stringify(codes.map(({ kind, fields }) => [kind, fields]));
}

/** Two repairs that disagree are no repair (codes.md 8): the plain reading stands, marked as damaged. */
function ambiguous(plain: Code, candidate: Code | undefined): Code {
  if (isUsable(plain)) return plain;
  if (plain.kind === "damaged") return { ...plain, fields: { ...plain.fields, reason: "ambiguous-repair" } };
  const { kind } = candidate ?? plain;
  const isBuilt = kind === "cccd" || kind === "bhyt" || kind === "personal" || kind === "certificate";
  return isBuilt ? damaged(kind, "ambiguous-repair") : UNKNOWN;
}

/**
 * What the bytes of one frame are: at least one code, two or more when scans were joined (R5). Any bytes of any
 * length are answered, never with an exception. Only repairs that are unique and pass all checks of one type are
 * applied, and each that changed something is named (codes.md 2 and 8).
 */
export function recognise(bytes: Uint8Array, options: RecogniseOptions): readonly Code[] {
  if (bytes.length > MAX_PAYLOAD_BYTES) return [UNKNOWN];
  const { text, exact } = decode(bytes);
  const cleaned = cleanTransport(text);
  const plain = withRepairs(readOne(cleaned.text, options.today), cleaned.repairs);
  if (plain.kind === "certificate") return [plain];
  const found = proposals(bytes, exact, cleaned, plain, options.today);
  const [first] = found;
  if (first === undefined) return [plain];
  const agree = new Set(found.map(meaning)).size === 1;
  return agree ? first : [ambiguous(plain, first[0])];
}

/** Invented payloads that reach the slow first calls: the East Asian code pages and the certificate decoder. */
const WARM_UP_PAYLOADS = [
  "034301000012||L礙 穫nh|05022001|N廙|X瓊 M廕咼|03032021",
  "079098000001|024123456|Nguyễn Văn A|01011998|Nam|Số 1 Đường ABC, Phường 1, Quận 1|01012022",
  "0100000004|486fc3a06e67|06/08/1982|1|-|79 - 034|01/03/2021|-|05/03/2021|79020100000004|-|4|-|7f-7102|4|-|$",
  `079098000001|024123456|${"中文".repeat(500)}`,
  "HC1:NCFOXNZTSQ7C6V8 G22YKR:7ZKL2J0BO1/KAWM17*6PF6R:5SVBWVBDKBYLDZ4D74D$ZJ*DJL352W5HUO9:NWVUW8U7%NC.UI$LUN4QDFA1O$5FI%59/9-3AKI67ZMLEQ736/PK1RM7Y8ZJJPIL4LNR-S8OGK34JWLG56H0API0*SLG:7IH01Z0000M:ADX5",
  // Four thousand empty maps: the most a hostile certificate makes the CBOR decoder do.
  "HC1:NCFO2UY74000EN1JBMJAQZ09TJCS4N000000%OF$TMF0P",
] as const;

/**
 * Loads the code-page tables and lets the engine compile the readers, so that the first person in the morning is
 * answered like every other. Takes about 200 ms; call it once at start.
 */
export function warmUp(): void {
  const encoder = new TextEncoder();
  for (let round = 0; round < 50; round += 1) {
    for (const payload of WARM_UP_PAYLOADS) recognise(encoder.encode(payload), { today: "2025-01-01" });
  }
}
