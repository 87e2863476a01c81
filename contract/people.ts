import { z } from "zod";

/** Vietnamese mobile or landline number as typed; normalised to `0…` by {@link normalisePhone}. */
export const phone = z.string().min(9).max(30);

/**
 * `+84 90 000 0001`, `0084900000001`, `0900.000.001`, `(+84-24) 3825 0000` → `0900000001`, `02438250000`; null when it is
 * not a Vietnamese number (10 digits from 0 for mobiles, 11 for `02…` landlines; numbering plan of Circular
 * 22/2014/TT-BTTTT as amended).
 */
export function normalisePhone(text: string): string | null {
  const digits = text
    .normalize("NFKC")
    .replace(/[\s./()\u2010-\u2015-]/g, "")
    .replace(/^(?:\+|00)?84(?:0(?=\d{9,10}$)|(?=\d{9,10}$))/, "0");
  return /^0[35789]\d{8}$/.test(digits) || /^02\d{9}$/.test(digits) ? digits : null;
}

/** `0900000001` → `090••••001`. */
export function maskPhone(normalised: string): string {
  return `${normalised.slice(0, 3)}${"•".repeat(Math.max(0, normalised.length - 6))}${normalised.slice(-3)}`;
}

export const role = z.enum(["scanner", "supervisor", "owner"]);
export type Role = z.infer<typeof role>;

/** What a person signs in for. Officials get no right of a place by it, whatever else their phone may do. */
export const audience = z.enum(["staff", "owner", "official"]);
export type Audience = z.infer<typeof audience>;

export const otpRequest = z.object({ phone, audience, device_id: z.uuid().optional() }).meta({ id: "OtpRequest" });
export const otpChallenge = z
  .object({ challenge_id: z.uuid(), expires_in: z.int(), resend_after: z.int() })
  .meta({ id: "OtpChallenge" });
export const otpVerify = z
  .object({ challenge_id: z.uuid(), code: z.string().regex(/^\d{6}$/) })
  .meta({ id: "OtpVerify" });

/** What an official may: `counts` of its units; `health` may trace as well, with a reason. */
export const officialRight = z.enum(["counts", "health"]);
export type OfficialRight = z.infer<typeof officialRight>;

export const grantedRole = z.object({ checkpoint_id: z.uuid(), role });

export const tokenReply = z
  .object({
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal("DPoP"),
    /** Seconds the access token lives. */
    expires_in: z.int(),
    person: z.object({ ref: z.string(), name: z.string().nullable() }),
    roles: z.array(grantedRole),
    /** Rights of an official over administrative units; only with the audience `official`. */
    official: z.array(z.object({ right: officialRight, unit_codes: z.array(z.string()) })).optional(),
  })
  .meta({ id: "TokenReply" });
export type TokenReply = z.infer<typeof tokenReply>;

export const refreshRequest = z
  .object({ grant_type: z.literal("refresh_token"), refresh_token: z.string().max(200) })
  .meta({ id: "RefreshRequest" });
export const revokeRequest = z.object({ refresh_token: z.string().max(200) }).meta({ id: "RevokeRequest" });

export const newStaff = z
  .object({
    id: z.uuid(),
    phone,
    display_name: z.string().trim().min(1).max(80),
    role,
    /** May see people in full; only where the place's kind allows it and is approved. */
    full_view: z.boolean().optional(),
    /** The right holds at the places below this one too. */
    include_children: z.boolean().optional(),
    /** When the right ends by itself; until it is taken away unless told. */
    valid_to: z.iso.datetime().nullable().optional(),
  })
  .meta({ id: "NewStaff" });
export const staffMember = z
  .object({
    staff_id: z.uuid(),
    phone_masked: z.string(),
    display_name: z.string(),
    role,
    added_at: z.iso.datetime(),
    last_seen: z.iso.datetime().nullable(),
    full_view: z.boolean(),
    include_children: z.boolean(),
    valid_to: z.iso.datetime().nullable(),
    /** `"N"` is the ETag that a change names in If-Match. */
    version: z.int().positive(),
  })
  .meta({ id: "StaffMember" });

/** Only what is given changes. Null for `valid_to`: until it is taken away. */
export const staffChange = z
  .object({
    role: role.optional(),
    full_view: z.boolean().optional(),
    include_children: z.boolean().optional(),
    valid_to: z.iso.datetime().nullable().optional(),
  })
  .meta({ id: "StaffChange" });
export type StaffMember = z.infer<typeof staffMember>;
export const staffPage = z.object({ items: z.array(staffMember) }).meta({ id: "StaffPage" });
