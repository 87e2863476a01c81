import { foldedText } from "../../contract/written-text.ts";
import type { AdminUnit } from "./wire.ts";

/** A commune to choose, with all that is shown of it. */
export interface UnitChoice {
  readonly communeCode: string;
  readonly provinceCode: string;
  readonly name: string;
  readonly provinceName: string;
  /** The former unit it was found by. */
  readonly former: string | null;
}

/** A list made ready to be searched: words without marks, in the order of the list. */
export interface UnitIndex {
  readonly entries: readonly {
    readonly choice: UnitChoice;
    readonly words: readonly string[];
    readonly name: string;
  }[];
}

const mostChoices = 30;

/** The communes of today's list. */
export function indexOf(units: readonly AdminUnit[]): UnitIndex {
  const byCode = new Map(units.map((unit) => [unit.code, unit]));
  return {
    entries: units.flatMap((unit) => {
      const choice = unit.level === "commune" ? choiceOf(unit, byCode, null) : null;
      return choice ? [entryOf(choice, unit.name, choice.provinceName)] : [];
    }),
  };
}

/** The communes of the list before, each leading to what it became. */
export function formerIndexOf(former: readonly AdminUnit[], today: readonly AdminUnit[]): UnitIndex {
  const byCode = new Map(today.map((unit) => [unit.code, unit]));
  const formerByCode = new Map(former.map((unit) => [unit.code, unit]));
  return {
    entries: former.flatMap((unit) => {
      if (unit.level !== "commune") return [];
      const above = formerByCode.get(unit.parent_code ?? "");
      const province = formerByCode.get(above?.parent_code ?? "");
      const name = [unit.name, above?.name, province?.name].filter((part) => part !== undefined).join(", ");
      return (unit.replaced_by ?? []).flatMap((code) => {
        const choice = choiceOf(byCode.get(code), byCode, name);
        return choice ? [entryOf(choice, unit.name, `${above?.name ?? ""} ${province?.name ?? ""}`)] : [];
      });
    }),
  };
}

function choiceOf(
  unit: AdminUnit | undefined,
  byCode: ReadonlyMap<string, AdminUnit>,
  former: string | null,
): UnitChoice | null {
  const province = byCode.get(unit?.parent_code ?? "");
  if (!unit || !province) return null;
  return {
    communeCode: unit.code,
    provinceCode: province.code,
    name: unit.name,
    provinceName: province.name,
    former,
  };
}

function entryOf(choice: UnitChoice, name: string, above: string): UnitIndex["entries"][number] {
  const folded = foldedText(name);
  return { choice, name: folded, words: `${folded} ${foldedText(above)}`.split(" ") };
}

/**
 * Communes whose name or province has each word of `query` at the beginning of one of its words; marks, case and the
 * words' order do not count. Names that begin with the query's first word without their type come first.
 */
export function findUnits(index: UnitIndex, query: string): UnitChoice[] {
  const wanted = foldedText(query).split(" ").filter(Boolean);
  if (wanted.join("").length < 2) return [];
  const whole = wanted.join(" ");
  return index.entries
    .filter(({ words }) => wanted.every((start) => words.some((word) => word.startsWith(start))))
    .map((entry) => ({ entry, rank: rankOf(withoutType(entry.name), entry.name, whole, wanted) }))
    .sort((left, right) => left.rank - right.rank)
    .slice(0, mostChoices)
    .map(({ entry }) => entry.choice);
}

/** Words that say what a unit is, not which. */
const types = new Set("tinh thanh pho quan huyen thi xa tran phuong dac khu".split(" "));

/** Districts of the list before whose whole name stands in `query`. */
export function districtsIn(former: readonly AdminUnit[], query: string): AdminUnit[] {
  const given = new Set(foldedText(query).split(" "));
  return former.filter(({ level, name }) => {
    const words = foldedText(name).split(" ");
    const bare = words.filter((word) => !types.has(word));
    return level === "district" && (bare.length > 0 ? bare : words).every((word) => given.has(word));
  });
}

const withoutType = (name: string): string => name.replace(/^(?:phuong|xa|thi tran|dac khu) /, "");

function rankOf(bare: string, name: string, whole: string, wanted: readonly string[]): number {
  if (bare === whole || name === whole) return 0;
  if (whole.startsWith(`${bare} `) || whole.startsWith(`${name} `)) return 1;
  if (bare.startsWith(whole) || name.startsWith(whole)) return 2;
  return wanted.every((start) => name.split(" ").some((word) => word.startsWith(start))) ? 3 : 4;
}
