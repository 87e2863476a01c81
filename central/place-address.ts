import type { z } from "zod";
import { type AdminUnit, currentUnitsVersion, formerUnitsVersion } from "../contract/admin-units.ts";
import type { checkpointAddress, NewAddress } from "../contract/places.ts";
import type { Problem } from "../contract/problem.ts";
import { HttpProblem } from "./http-problem.ts";
import type { FormerUnits, StoredAddress } from "./store/checkpoint-store.ts";
import { unitLists } from "./units/units.ts";

const today = unitLists[currentUnitsVersion];
const before = unitLists[formerUnitsVersion];

/**
 * An address as it is stored: in units of today. Former units alone are mapped where they went into one unit.
 * @throws HttpProblem `unknown_unit` at the field, with the units it could be
 */
export function resolvedAddress(given: NewAddress): StoredAddress {
  if (given.units_version !== undefined && given.units_version !== currentUnitsVersion) {
    throw unknownUnit("/units_version", "list", `Give units of the list ${currentUnitsVersion}, older ones as former.`);
  }
  const former = given.former ?? null;
  const formerCommune = former && formerUnit(former);
  const { province_code, commune_code } =
    given.province_code !== undefined && given.commune_code !== undefined
      ? checkedUnits(given.province_code, given.commune_code)
      : mappedUnits(formerCommune);
  return { units_version: currentUnitsVersion, province_code, commune_code, line: given.line, former };
}

interface Units {
  readonly province_code: string;
  readonly commune_code: string;
}

function checkedUnits(provinceCode: string, communeCode: string): Units {
  if (!today.find("province", provinceCode)) {
    const went = before.find("province", provinceCode)?.replaced_by ?? [];
    throw unknownUnit(
      "/province_code",
      "unknown",
      "This province is not in the list.",
      went.flatMap((code) => today.find("province", code) ?? []),
    );
  }
  const commune = today.find("commune", communeCode);
  if (!commune) {
    const went = before.find("commune", communeCode)?.replaced_by ?? [];
    throw unknownUnit("/commune_code", "unknown", "This commune is not in the list.", communesOf(went));
  }
  if (commune.parent_code !== provinceCode) {
    throw unknownUnit("/commune_code", "not_in_province", "This commune belongs to another province.", [commune]);
  }
  return { province_code: provinceCode, commune_code: communeCode };
}

/** The former commune these codes name. */
function formerUnit({ province_code, district_code, commune_code }: FormerUnits): AdminUnit {
  const detail = "This unit is not in the list before 2025-07-01.";
  if (!before.find("province", province_code)) throw unknownUnit("/former/province_code", "unknown", detail);
  const district = before.find("district", district_code);
  if (!district) throw unknownUnit("/former/district_code", "unknown", detail);
  if (district.parent_code !== province_code) {
    throw unknownUnit("/former/district_code", "not_in_province", "This district belonged to another province.");
  }
  const commune = before.find("commune", commune_code);
  if (!commune) throw unknownUnit("/former/commune_code", "unknown", detail);
  if (commune.parent_code !== district_code) {
    throw unknownUnit("/former/commune_code", "not_in_district", "This commune belonged to another district.");
  }
  return commune;
}

function mappedUnits(former: AdminUnit | null): Units {
  const went = communesOf(former?.replaced_by ?? []);
  const [only, ...others] = went;
  if (only?.parent_code && others.length === 0) return { province_code: only.parent_code, commune_code: only.code };
  // Where nothing is known of it, it went where its neighbours went.
  const near = before.select({ level: "commune", parent: former?.parent_code ?? "" });
  const candidates =
    went.length > 0 ? went : communesOf([...new Set(near.flatMap(({ replaced_by = [] }) => replaced_by))]);
  const code = went.length > 0 ? "ambiguous" : "not_mapped";
  throw unknownUnit("/former/commune_code", code, "Choose the commune of today this one went into.", candidates);
}

function communesOf(codes: readonly string[]): AdminUnit[] {
  return codes.flatMap((code) => today.find("commune", code) ?? []);
}

const mostCandidates = 100;

function unknownUnit(field: string, code: string, detail: string, units: readonly AdminUnit[] = []): HttpProblem {
  const candidates: NonNullable<Problem["candidates"]> = units.slice(0, mostCandidates).map((unit) => {
    const above = unit.parent_code === null ? null : today.find("province", unit.parent_code);
    return { code: unit.code, name: unit.name, ...(above ? { detail: above.name } : {}) };
  });
  return new HttpProblem("unknown_unit", detail, {
    errors: [{ pointer: `/address${field}`, code }],
    ...(candidates.length > 0 ? { candidates } : {}),
  });
}

/** An address with the names of its units. */
export function namedAddress(address: StoredAddress): z.infer<typeof checkpointAddress> {
  const { former, ...rest } = address;
  return {
    ...rest,
    ...(former ? { former } : {}),
    province_name: today.find("province", address.province_code)?.name ?? null,
    commune_name: today.find("commune", address.commune_code)?.name ?? null,
  };
}

/** One line in which somebody who stands there knows the place, and nobody else finds the house. */
export function maskedAddressLine(address: StoredAddress): string {
  const { commune_name, province_name } = namedAddress(address);
  const line = address.line.replace(/[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu, maskedWord);
  return [line, commune_name, province_name].filter(Boolean).join(", ");
}

/** `Phố` → `P••`, `12a` → `•••`. */
function maskedWord(word: string): string {
  const first = /^\p{L}/u.exec(word)?.[0] ?? "";
  return first + word.slice(first.length).replace(/./gsu, "•");
}
