import type { AdminUnit, AdminUnits, UnitLevel, UnitsVersion } from "../../contract/admin-units.ts";
import current from "./2025-07-01.json" with { type: "json" };
import former from "./before-2025-07-01.json" with { type: "json" };

/** One list of administrative units. */
export interface UnitList {
  readonly head: Omit<AdminUnits, "units">;
  find(level: UnitLevel, code: string): AdminUnit | null;
  /** In order of their codes; of the children of `parent` only, or of one level only, where these are not null. */
  select(filter: { readonly level: UnitLevel | null; readonly parent: string | null }): readonly AdminUnit[];
}

/** `00004 Phường Ba Đình|00004`: code, name, and for a former unit the codes it went into. */
function unitOf(line: string, level: UnitLevel, parent: string | null): AdminUnit {
  const [named = "", ...into] = line.split("|");
  const space = named.indexOf(" ");
  const unit = { code: named.slice(0, space), level, name: named.slice(space + 1), parent_code: parent };
  return into.length === 0 ? unit : { ...unit, replaced_by: into };
}

function listOf(head: UnitList["head"], units: readonly AdminUnit[]): UnitList {
  const byCode = new Map(units.map((unit) => [`${unit.level} ${unit.code}`, unit]));
  return {
    head,
    find: (level, code) => byCode.get(`${level} ${code}`) ?? null,
    select: ({ level, parent }) =>
      units.filter(
        (unit) => (level === null || unit.level === level) && (parent === null || unit.parent_code === parent),
      ),
  };
}

/** The groups of a file are named `pPARENT`, because bare numbers would be put in another order. */
function grouped(groups: Readonly<Record<string, readonly string[]>>, level: UnitLevel): AdminUnit[] {
  return Object.entries(groups).flatMap(([group, lines]) => lines.map((line) => unitOf(line, level, group.slice(1))));
}

function currentList(): UnitList {
  const { version, valid_from, valid_to, source } = current;
  const provinces = current.provinces.map((line) => unitOf(line, "province", null));
  return listOf({ version, valid_from, valid_to, source }, [...provinces, ...grouped(current.communes, "commune")]);
}

function formerList(): UnitList {
  const { version, valid_from, valid_to, source } = former;
  const communes = grouped(former.communes, "commune");
  const districts = grouped(former.districts, "district");
  const units = [...former.provinces.map((line) => unitOf(line, "province", null)), ...districts];
  const under = new Map<string, Set<string>>();
  for (const commune of communes) {
    const province = districts.find(({ code }) => code === commune.parent_code)?.parent_code ?? "";
    for (const code of commune.replaced_by ?? []) {
      const went = today.find("commune", code)?.parent_code;
      if (went) under.set(province, (under.get(province) ?? new Set()).add(went));
    }
  }
  const withProvinces = units.map((unit) =>
    unit.level === "province" ? { ...unit, replaced_by: [...(under.get(unit.code) ?? [])].sort() } : unit,
  );
  return listOf({ version, valid_from, valid_to, source }, [...withProvinces, ...communes]);
}

const today = currentList();

/** Every list the service knows, by its version. */
export const unitLists: Readonly<Record<UnitsVersion, UnitList>> = {
  "2025-07-01": today,
  "before-2025-07-01": formerList(),
};
