import { z } from "zod";

/**
 * Lists of administrative units by their day: since 2025-07-01 there are two levels, with the codes of Decision
 * 19/2025/QĐ-TTg; the list before it has three.
 */
export const unitsVersion = z.enum(["2025-07-01", "before-2025-07-01"]);
export type UnitsVersion = z.infer<typeof unitsVersion>;
export const currentUnitsVersion = "2025-07-01" satisfies UnitsVersion;
export const formerUnitsVersion = "before-2025-07-01" satisfies UnitsVersion;

export const unitLevel = z.enum(["province", "district", "commune"]);

export type UnitLevel = z.infer<typeof unitLevel>;

export const provinceCode = z.string().regex(/^\d{2}$/);
export const districtCode = z.string().regex(/^\d{3}$/);
export const communeCode = z.string().regex(/^\d{5}$/);

export const adminUnit = z
  .object({
    /** Text: leading zeros belong to it. Two digits for a province, three for a district, five for a commune. */
    code: z.string(),
    level: unitLevel,
    /** With its type, for example `Phường Hoàn Kiếm`. */
    name: z.string(),
    parent_code: z.string().nullable(),
    /** Units of the current list this one went into; several when it was divided, none when that is not known. */
    replaced_by: z.array(z.string()).optional(),
  })
  .meta({ id: "AdminUnit" });
export type AdminUnit = z.infer<typeof adminUnit>;

export const adminUnits = z
  .object({
    version: z.string(),
    /** Days; null where the list has no such end. */
    valid_from: z.string().nullable(),
    valid_to: z.string().nullable(),
    source: z.string(),
    units: z.array(adminUnit),
  })
  .meta({ id: "AdminUnits" });
export type AdminUnits = z.infer<typeof adminUnits>;
