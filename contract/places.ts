import { z } from "zod";
import { communeCode, districtCode, provinceCode } from "./admin-units.ts";
import { phone, role } from "./people.ts";
import { writtenText } from "./written-text.ts";

/** Kinds of place, with the words an owner chooses from. */
export const checkpointKinds = {
  office: { vi: "Cơ quan, văn phòng", en: "Office" },
  factory: { vi: "Nhà máy, cơ sở sản xuất", en: "Factory" },
  industrial_zone: { vi: "Khu công nghiệp", en: "Industrial zone" },
  restaurant: { vi: "Nhà hàng, quán ăn, quán cà phê", en: "Restaurant or café" },
  entertainment: { vi: "Cơ sở giải trí, thể thao, làm đẹp", en: "Entertainment, sports or beauty" },
  hospital: { vi: "Bệnh viện, cơ sở khám chữa bệnh", en: "Hospital or clinic" },
  quarantine_post: { vi: "Chốt kiểm dịch, khu cách ly", en: "Quarantine post" },
  school: { vi: "Trường học", en: "School" },
  station: { vi: "Bến xe, nhà ga, cảng, sân bay", en: "Station, port or airport" },
  vehicle: { vi: "Phương tiện vận tải công cộng", en: "Public transport vehicle" },
  market: { vi: "Chợ, siêu thị, trung tâm thương mại", en: "Market or shop" },
  event: { vi: "Sự kiện, hội họp, cưới, tang", en: "Event, meeting, wedding or funeral" },
  tourist_site: { vi: "Điểm du lịch, khách sạn", en: "Tourist site or hotel" },
  religious_site: { vi: "Cơ sở tôn giáo, tín ngưỡng", en: "Religious site" },
  apartment: { vi: "Chung cư", en: "Apartment block" },
  household: { vi: "Hộ gia đình", en: "Household" },
  other: { vi: "Nơi khác", en: "Other" },
} as const satisfies Record<string, { vi: string; en: string }>;

export const checkpointKind = z.enum(Object.keys(checkpointKinds) as [CheckpointKind, ...CheckpointKind[]]);
export type CheckpointKind = keyof typeof checkpointKinds;

/** Only these can ever be authorised to see people in full. */
export const fullViewKinds: readonly CheckpointKind[] = ["hospital", "quarantine_post"];

const bothLanguages = z.object({ vi: z.string(), en: z.string() });

export const checkpointKindList = z
  .object({
    kinds: z.array(z.object({ code: z.string(), names: bothLanguages, full_view_possible: z.boolean() })),
  })
  .meta({ id: "CheckpointKindList" });

/** Longest name of a place and longest free line of an address, UTF-16 units as a form counts them. */
export const maxNameLength = 120;
export const maxLineLength = 200;

/** A place with its parents: the building, the floor, the department, the lane. */
export const maxPlaceDepth = 4;
/** Open places one person owns. */
export const maxPlacesOwned = 200;

/** Text somebody typed, made harmless before it is measured; what is longer than `most` was never meant for here. */
const written = (least: number, most: number) => z.string().max(4000).overwrite(writtenText).min(least).max(most);

/** Codes of the lists before 2025-07-01, as older papers and habits have them. */
const formerUnits = z.object({
  province_code: provinceCode,
  district_code: districtCode,
  commune_code: communeCode,
});

/** The address as stored. The names are those of its list; null where that list does not know the code. */
export const checkpointAddress = z.object({
  units_version: z.string().max(20),
  /** Two-digit province and five-digit commune codes of Decision 19/2025/QĐ-TTg, as text. */
  province_code: provinceCode,
  commune_code: communeCode,
  line: z.string(),
  former: formerUnits.optional(),
  province_name: z.string().nullable().default(null),
  commune_name: z.string().nullable().default(null),
});

/**
 * An address as an owner gives it: units of today, or `former` ones alone, which are mapped where they went into one
 * unit. Both together must agree only in that each exists.
 */
export const newAddress = z
  .object({
    units_version: z.string().max(20).optional(),
    province_code: provinceCode.optional(),
    commune_code: communeCode.optional(),
    line: written(0, maxLineLength),
    former: formerUnits.optional(),
  })
  .refine((address) => (address.province_code === undefined) === (address.commune_code === undefined), {
    path: ["commune_code"],
    message: "Give province and commune together.",
  })
  .refine((address) => (address.province_code ?? address.commune_code ?? address.former) !== undefined, {
    path: ["commune_code"],
    message: "Give the units of today or the former ones.",
  });
export type NewAddress = z.infer<typeof newAddress>;

/** What a sub-place is of its parent. */
export const placePart = z.object({
  type: z.enum(["floor", "department", "lane", "vehicle", "other"]),
  label: written(1, 60),
});
export type PlacePart = z.infer<typeof placePart>;

/** On what ground the data of visitors is processed: Law 91/2025/QH15, Article 19.1. */
export const legalBasis = z.enum(["consent", "emergency", "crime_prevention", "state_duty", "contract"]);
export type LegalBasis = z.infer<typeof legalBasis>;

/** What becomes of scans a machine makes after a revocation it has not heard of yet. */
export const lateScans = z.enum(["hold", "accept", "refuse"]);
export type LateScans = z.infer<typeof lateScans>;

export const placeState = z.enum(["active", "suspended", "closed", "merged"]);
export type PlaceState = z.infer<typeof placeState>;

/** A list of all the places somebody serves must fit into one answer, notices included. */
const noticeText = { vi: written(1, 1000), en: written(0, 1000) };

/** What visitors are told. The centre raises the version with each change; version 1 is the usual text. */
export const placeNotice = z.object({ version: z.int().min(1), vi: z.string(), en: z.string() });
export type PlaceNotice = z.infer<typeof placeNotice>;
export const usualNotice: PlaceNotice = {
  version: 1,
  vi: "Điểm này ghi lại lượt vào ra để phòng, chống dịch. Dữ liệu được giữ kín, chỉ dùng cho mục đích này và bị xóa khi hết hạn lưu.",
  en: "This place records who comes and goes to prevent the spread of disease. The data is kept confidential, used for this only, and erased when its time has passed.",
};

/** What a machine needs to decide without the centre. */
export const gatePolicy = z.object({
  /** Record scans when nobody is signed in or the credential ended. */
  record_when_expired: z.boolean(),
  /** The same payload on the same reader within this many seconds is one scan. */
  rescan_s: z.number().min(0).max(60),
  late_scans: lateScans.default("hold"),
  /** The kind of this place is one that may see people in full, and is approved. */
  full_view: z.boolean().default(false),
});

/** What an owner may set of it. */
const ownPolicy = z.object({
  record_when_expired: z.boolean().optional(),
  rescan_s: z.number().min(0).max(60).optional(),
  late_scans: lateScans.optional(),
});

const retentionDays = z.int().min(1).max(365);

export const newCheckpoint = z
  .object({
    id: z.uuid(),
    name: written(1, maxNameLength),
    kind: checkpointKind,
    phone,
    /** A sub-place may leave out address and retention: it has those of its parent, also when they change. */
    address: newAddress.optional(),
    retention_days: retentionDays.optional(),
    parent_id: z.uuid().optional(),
    part: placePart.optional(),
    legal_basis: legalBasis.optional(),
    notice: z.object(noticeText).optional(),
    policy: ownPolicy.optional(),
    /** "Yes, it is another place than those that look like it." */
    confirm: z.boolean().optional(),
  })
  .meta({ id: "NewCheckpoint" });
export type NewCheckpoint = z.infer<typeof newCheckpoint>;

/** Only what changes; sent with `If-Match`. `address: null` and `retention_days: null` take the parent's again. */
export const checkpointChange = z
  .object({
    name: written(1, maxNameLength),
    kind: checkpointKind,
    phone,
    address: newAddress.nullable(),
    retention_days: retentionDays.nullable(),
    parent_id: z.uuid().nullable(),
    part: placePart.nullable(),
    legal_basis: legalBasis,
    notice: z.object(noticeText),
    policy: ownPolicy,
  })
  .partial()
  .meta({ id: "CheckpointChange" });
export type CheckpointChange = z.infer<typeof checkpointChange>;

/** Why a place is suspended, resumed or closed; kept in the access log. */
export const placeReason = z.object({ reason: written(1, 500) }).meta({ id: "PlaceReason" });

/** Another place of the same owner that goes on for this one. */
export const placeMerge = z.object({ into: z.uuid(), reason: written(1, 500) }).meta({ id: "PlaceMerge" });

const decidedKind = z
  .object({ decision: z.enum(["approve", "refuse"]), reference: z.string(), at: z.iso.datetime() })
  .nullable();

/** What became of the declared kind of a place. */
export const kindDecided = z
  .object({
    id: z.uuid(),
    version: z.int(),
    kind: checkpointKind,
    kind_status: z.enum(["declared", "approved"]),
    kind_decision: decidedKind,
  })
  .meta({ id: "KindDecided" });
export type KindDecided = z.infer<typeof kindDecided>;

export const kindDecision = z
  .object({
    decision: z.enum(["approve", "refuse"]),
    /** Number of the paper the decision stands on. */
    reference: written(1, 200),
  })
  .meta({ id: "KindDecision" });

/** The text of a place's printed QR code, see `signed-code.ts`. */
export const placeCode = z.object({
  text: z.string().max(512),
  kid: z.string().regex(/^[0-9a-f]{8}$/),
  /** Issue of the code: a poster with a lower number is outdated. */
  number: z.int().min(1).default(1),
  /** ISO date. */
  issued_on: z.string().default(""),
});

export const checkpoint = z
  .object({
    id: z.uuid(),
    /** Raised at each change; the ETag for `If-Match` is this number in quotes. */
    version: z.int().min(1).default(1),
    name: z.string(),
    kind: checkpointKind.catch("other"),
    kind_status: z.enum(["declared", "approved"]),
    /** What an official decided about the kind last. */
    kind_decision: decidedKind.default(null),
    state: placeState.default("active"),
    state_since: z.iso.datetime().nullable().default(null),
    /** Owners, supervisors and officials only. */
    state_reason: z.string().nullable().default(null),
    /** The place that goes on for a merged one. */
    successor_id: z.uuid().nullable().default(null),
    parent_id: z.uuid().nullable().default(null),
    part: placePart.nullable().default(null),
    address: checkpointAddress,
    inherits: z.object({ address: z.boolean(), retention: z.boolean() }).default({ address: false, retention: false }),
    policy: gatePolicy,
    legal_basis: legalBasis.default("consent"),
    retention_days: z.int().default(30),
    notice: placeNotice.default(usualNotice),
    role,
    /** The caller's own right to see people in full here. */
    full_view: z.boolean().default(false),
    /** Left out by a centre that issues none. */
    place_code: placeCode.optional(),
    created_at: z.iso.datetime().nullable().default(null),
  })
  .meta({ id: "Checkpoint" });
export type Checkpoint = z.infer<typeof checkpoint>;

export const checkpointsPage = z.object({ items: z.array(checkpoint) }).meta({ id: "CheckpointsPage" });

/** A place as an official over its units may know it. */
const overseenPlace = checkpoint.pick({
  id: true,
  version: true,
  name: true,
  kind: true,
  kind_status: true,
  kind_decision: true,
  state: true,
  parent_id: true,
  part: true,
  address: true,
  created_at: true,
});

export const overseenPage = z
  .object({
    /** In order of registration. */
    items: z.array(overseenPlace),
    /** Give it as `after` for the next ones; null at the end. */
    cursor: z.string().nullable(),
  })
  .meta({ id: "OverseenPage" });
export type OverseenPage = z.infer<typeof overseenPage>;

const relative = z.object({
  id: z.uuid(),
  name: z.string(),
  part: placePart.nullable(),
  state: placeState,
});

/** One place with what only its page needs. */
export const checkpointDetail = checkpoint
  .extend({
    /** Of the place; owners only. */
    phone: z.string().nullable(),
    /** From the nearest to the outermost. */
    parents: z.array(relative),
    children: z.array(relative),
    /** Places that were merged into this one; its lists and counts include theirs. */
    merged_from: z.array(relative),
  })
  .meta({ id: "CheckpointDetail" });
export type CheckpointDetail = z.infer<typeof checkpointDetail>;

export const placeCodeQuestion = z.object({ text: z.string().max(2000) }).meta({ id: "PlaceCodeQuestion" });

/**
 * What "Kiểm tra mã QR" finds. `outdated`: an earlier poster of the place. `forged`: says that it is of this centre, and
 * this centre did not sign it. `foreign`: of somebody else. `unknown`: of no place here, or damaged.
 */
export const placeCodeVerdict = z.enum(["genuine", "outdated", "forged", "foreign", "unknown"]);
export const placeCodeAnswer = z
  .object({
    verdict: placeCodeVerdict,
    /** Of a genuine or outdated code. Of a merged place its successor. */
    place: z
      .object({
        name: z.string(),
        part: placePart.nullable(),
        /** House and street are partly hidden. */
        address_line: z.string(),
        state: placeState,
        merged: z.boolean(),
      })
      .nullable(),
    code: z.object({ number: z.int(), current_number: z.int(), issued_on: z.string() }).nullable(),
  })
  .meta({ id: "PlaceCodeAnswer" });
export type PlaceCodeAnswer = z.infer<typeof placeCodeAnswer>;
