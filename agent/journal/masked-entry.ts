import type { Code } from "../codes/code.ts";
import { type MaskedPerson, maskedPerson } from "../codes/person.ts";
import type { Entry } from "./entry.ts";

/** The person of an entry as screens and lists may show it: the journal keeps kind, form and fields of the code. */
export function maskedEntry(entry: Entry): MaskedPerson {
  const { form, fields, warnings, repairs } = entry.body;
  return maskedPerson({ kind: entry.kind, form, fields, warnings, repairs } as unknown as Code);
}
