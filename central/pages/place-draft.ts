import type { UnitChoice } from "./units.ts";
import type { NewPlace, Place, PlaceChange, PlaceDetail } from "./wire.ts";

/** A place as a form holds it: all that can be typed or chosen. */
export interface Draft {
  readonly name: string;
  readonly kind: string;
  readonly phone: string;
  /** Address and retention are those of the place above. */
  readonly inherits: boolean;
  readonly unit: UnitChoice | null;
  readonly line: string;
  readonly partType: string;
  readonly partLabel: string;
  readonly legalBasis: string;
  readonly retention: string;
  readonly noticeVi: string;
  readonly noticeEn: string;
  readonly lateScans: string;
  readonly recordWhenExpired: boolean;
  readonly rescan: string;
}

export type DraftField = keyof Draft;

export const emptyDraft: Draft = {
  name: "",
  kind: "",
  phone: "",
  inherits: false,
  unit: null,
  line: "",
  partType: "floor",
  partLabel: "",
  legalBasis: "consent",
  retention: "30",
  noticeVi: "",
  noticeEn: "",
  lateScans: "hold",
  recordWhenExpired: true,
  rescan: "3",
};

export function draftOf(place: PlaceDetail): Draft {
  return {
    name: place.name,
    kind: place.kind,
    phone: place.phone ?? "",
    inherits: place.inherits.address,
    unit: unitOf(place),
    line: place.address.line,
    partType: place.part?.type ?? "floor",
    partLabel: place.part?.label ?? "",
    legalBasis: place.legal_basis,
    retention: String(place.retention_days),
    noticeVi: place.notice.vi,
    noticeEn: place.notice.en,
    lateScans: place.policy.late_scans,
    recordWhenExpired: place.policy.record_when_expired,
    rescan: String(place.policy.rescan_s),
  };
}

function unitOf({ address }: Place): UnitChoice {
  return {
    communeCode: address.commune_code,
    provinceCode: address.province_code,
    name: address.commune_name ?? address.commune_code,
    provinceName: address.province_name ?? address.province_code,
    former: null,
  };
}

/** What a registration sends. A part without an address of its own leaves it out. */
export function newPlaceOf(draft: Draft, id: string, parentId: string | null, confirmed: boolean): NewPlace {
  return {
    id,
    name: draft.name,
    kind: draft.kind as NewPlace["kind"],
    phone: draft.phone,
    ...(parentId === null
      ? {}
      : {
          parent_id: parentId,
          part: { type: draft.partType, label: draft.partLabel } as NonNullable<NewPlace["part"]>,
        }),
    ...(draft.inherits ? {} : { address: addressOf(draft), retention_days: wholeNumber(draft.retention) }),
    legal_basis: draft.legalBasis as NonNullable<NewPlace["legal_basis"]>,
    ...(draft.noticeVi.trim() === "" ? {} : { notice: { vi: draft.noticeVi, en: draft.noticeEn } }),
    ...(confirmed ? { confirm: true } : {}),
  };
}

const addressOf = ({ unit, line }: Draft): NonNullable<NewPlace["address"]> => ({
  ...(unit ? { province_code: unit.provinceCode, commune_code: unit.communeCode } : {}),
  line,
});

/** What is not a whole number is sent as one that the service refuses at its field. */
function wholeNumber(typed: string): number {
  const value = Number(typed.trim() === "" ? Number.NaN : typed);
  return Number.isFinite(value) ? value : -1;
}

/** Fields in which two states of a place differ, in the order of the form. */
export function differing(left: Draft, right: Draft): DraftField[] {
  return (Object.keys(emptyDraft) as DraftField[]).filter((field) => keyOf(left, field) !== keyOf(right, field));
}

const keyOf = (draft: Draft, field: DraftField): string =>
  field === "unit" ? (draft.unit?.communeCode ?? "") : String(draft[field]);

/** What a change sends: the differences only. */
export function changeOf(before: Draft, after: Draft, hasPart: boolean): PlaceChange {
  const changed = new Set(differing(before, after));
  const any = (...fields: DraftField[]) => fields.some((field) => changed.has(field));
  return {
    ...(any("name") ? { name: after.name } : {}),
    ...(any("kind") ? { kind: after.kind as NonNullable<PlaceChange["kind"]> } : {}),
    ...(any("phone") ? { phone: after.phone } : {}),
    ...(any("inherits", "unit", "line") ? { address: after.inherits ? null : addressOf(after) } : {}),
    ...(any("inherits", "retention") ? { retention_days: after.inherits ? null : wholeNumber(after.retention) } : {}),
    ...(hasPart && any("partType", "partLabel")
      ? { part: { type: after.partType, label: after.partLabel } as NonNullable<PlaceChange["part"]> }
      : {}),
    ...(any("legalBasis") ? { legal_basis: after.legalBasis as NonNullable<PlaceChange["legal_basis"]> } : {}),
    ...(any("noticeVi", "noticeEn") ? { notice: { vi: after.noticeVi, en: after.noticeEn } } : {}),
    ...(any("lateScans", "recordWhenExpired", "rescan")
      ? {
          policy: {
            ...(any("lateScans") ? { late_scans: after.lateScans as "hold" | "accept" | "refuse" } : {}),
            ...(any("recordWhenExpired") ? { record_when_expired: after.recordWhenExpired } : {}),
            ...(any("rescan") ? { rescan_s: wholeNumber(after.rescan) } : {}),
          },
        }
      : {}),
  };
}

/**
 * What two people changed in the same field: `before` is what both began with. `mine` carried over to what is there
 * now: fields I left alone are the other's.
 */
export function carriedOver(before: Draft, mine: Draft, theirs: Draft): { draft: Draft; disputed: DraftField[] } {
  const touched = differing(before, mine);
  const draft = { ...theirs, ...Object.fromEntries(touched.map((field) => [field, mine[field]])) };
  const both = new Set(differing(before, theirs));
  return { draft, disputed: touched.filter((field) => both.has(field) && keyOf(mine, field) !== keyOf(theirs, field)) };
}
