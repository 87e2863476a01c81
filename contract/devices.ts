import { z } from "zod";
import { clockState } from "./entries.ts";
import { heartbeatReader, journalState } from "./heartbeat.ts";
import { checkpointKind, gatePolicy, placeNotice, placeState } from "./places.ts";
import { publicJwk } from "./public-key.ts";
import { writtenText } from "./written-text.ts";

/** A name people give a machine or read on a list: one line of text. */
const deviceName = z.string().max(1000).overwrite(writtenText).min(1).max(80);
/** What a machine tells of itself before anybody knows it: shown to the owner as text, never believed. */
const told = z.string().regex(/^[^\p{Cc}\p{Cf}]{1,80}$/u);

/** Letters of a user code: no vowels, so that no word comes out, and none that is taken for another (RFC 8628, section 6.1). */
export const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ";
export const userCodeLength = 8;
const userCodeShape = new RegExp(`^[${userCodeLetters}]{${userCodeLength}}$`);
/** A code may be typed in any case, with or without its dash. */
export const userCode = z.string().max(20);

/** `bcdf ghjk` → `BCDF-GHJK`; null when it is no user code. */
export function normaliseUserCode(text: string): string | null {
  const letters = text.toUpperCase().replace(/[\s.-]/g, "");
  if (!userCodeShape.test(letters)) return null;
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** `3F2A-91CC`: the first 32 bits of the key's thumbprint (RFC 7638), as both screens show them. */
export const keyFingerprint = z.string().regex(/^[0-9A-F]{4}-[0-9A-F]{4}$/);

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The short form of a base64url thumbprint that people compare. */
export function fingerprintOf(thumbprint: string): string {
  const bits = Array.from({ length: 6 }, (_, at) =>
    base64url.indexOf(thumbprint.charAt(at)).toString(2).padStart(6, "0"),
  );
  const hex = Number.parseInt(bits.join("").slice(0, 32), 2).toString(16).padStart(8, "0").toUpperCase();
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** A machine asks to be enrolled (RFC 8628, section 3.1). */
export const enrolRequest = z
  .object({
    device_id: z.uuid(),
    public_key: publicJwk,
    model: told,
    app_version: z.string().regex(/^[\w.+-]{1,40}$/),
    os: told,
    /** The secret of a scanned invitation: it names the place. */
    invitation: z
      .string()
      .regex(/^[A-Z2-7]{32}$/)
      .optional(),
  })
  .meta({ id: "EnrolRequest" });
export type EnrolRequest = z.infer<typeof enrolRequest>;

export const enrolReply = z
  .object({
    device_code: z.string().max(100),
    user_code: z.string().max(20),
    verification_uri: z.url(),
    /** The same with the user code in its fragment, which no server sees; what the machine shows as a QR code. */
    verification_uri_complete: z.url(),
    /** Seconds. */
    expires_in: z.int(),
    interval: z.int(),
    key_fingerprint: keyFingerprint,
    /** Of the place an invitation named. */
    place_name: z.string().nullable(),
  })
  .meta({ id: "EnrolReply" });
export type EnrolReply = z.infer<typeof enrolReply>;

export const devicePoll = z.object({ device_code: z.string().max(100) }).meta({ id: "DevicePoll" });

/** What the machine is from now on; the same again until the code ends, so that a lost answer costs nothing. */
export const deviceRegistration = z
  .object({ device_id: z.uuid(), name: z.string(), checkpoint_id: z.uuid(), place_name: z.string() })
  .meta({ id: "DeviceRegistration" });
export type DeviceRegistration = z.infer<typeof deviceRegistration>;

export const userCodeRequest = z.object({ user_code: userCode }).meta({ id: "UserCodeRequest" });

/** A waiting machine as the owner sees it before approving. */
export const waitingDevice = z
  .object({
    user_code: z.string(),
    device_id: z.uuid(),
    model: z.string(),
    os: z.string(),
    app_version: z.string(),
    key_fingerprint: keyFingerprint,
    requested_at: z.iso.datetime(),
    expires_in: z.int(),
    /** The place its invitation named; null when the machine was started by hand. */
    invited_checkpoint_id: z.uuid().nullable(),
    /**
     * What the centre has under this machine's id: `new`; `same-key`, it was enrolled before and proves it; `other-key`, it
     * says to be a machine of the caller's but has another key, and approving ends the old one; `elsewhere`, its id belongs
     * to another owner's machine and it cannot be approved.
     */
    known: z.enum(["new", "same-key", "other-key", "elsewhere"]),
    /** The known machine, when it is the caller's. */
    known_as: z.object({ name: z.string(), checkpoint_id: z.uuid(), place_name: z.string() }).nullable(),
  })
  .meta({ id: "WaitingDevice" });
export type WaitingDevice = z.infer<typeof waitingDevice>;

export const approveDevice = z
  .object({
    user_code: userCode,
    checkpoint_id: z.uuid(),
    name: deviceName,
    /** What the caller saw and compared; another machine's is refused. */
    key_fingerprint: keyFingerprint,
    /** Needed for `other-key`: the old key ends. */
    replace_key: z.boolean().default(false),
  })
  .meta({ id: "ApproveDevice" });

/** What the owner shows to a machine's reader as a QR code. Shown once: the centre keeps a hash. */
export const deviceInvitation = z
  .object({
    text: z.string().max(512),
    expires_in: z.int(),
    expires_at: z.iso.datetime(),
    /** The text as a QR symbol with its quiet zone: modules along one side, the dark ones as the `d` of an SVG path. */
    qr: z.object({ side: z.int(), path: z.string() }),
  })
  .meta({ id: "DeviceInvitation" });

/** A choice the owner makes for one machine; null leaves it to the machine. */
export const deviceSettings = z
  .object({
    camera: z.enum(["off", "fallback", "always"]).nullable(),
  })
  .meta({ id: "DeviceSettings" });
export type DeviceSettings = z.infer<typeof deviceSettings>;

/** What the centre wants of a machine; `ETag` is its name in the heartbeat's `config_etag`. */
export const deviceConfig = z
  .object({
    device_id: z.uuid(),
    name: z.string(),
    /** False: the machine takes no new scan; what it has still goes up. */
    enrolled: z.boolean(),
    place: z.object({
      id: z.uuid(),
      name: z.string(),
      kind: checkpointKind,
      kind_status: z.enum(["declared", "approved"]),
      state: placeState,
      policy: gatePolicy,
      retention_days: z.int(),
      /** Consent notice for visitors; null when the place has none. */
      notice: placeNotice.nullable(),
    }),
    settings: deviceSettings,
    min_version: z.string().max(40).nullable(),
  })
  .meta({ id: "DeviceConfig" });
export type DeviceConfig = z.infer<typeof deviceConfig>;

/** One machine as its owner sees it. Null is what it cannot measure or has never told. */
export const ownedDevice = z
  .object({
    device_id: z.uuid(),
    name: z.string(),
    checkpoint_id: z.uuid(),
    state: z.enum(["enrolled", "revoked"]),
    model: z.string(),
    os: z.string(),
    key_fingerprint: keyFingerprint,
    enrolled_at: z.iso.datetime(),
    revoked_at: z.iso.datetime().nullable(),
    last_contact: z.iso.datetime().nullable(),
    /** Seconds without any word, when that is longer than a few heartbeats. */
    silent_for_s: z.int().nullable(),
    unsent: z.int().nullable(),
    oldest_unsent_s: z.number().nullable(),
    quarantined: z.int().nullable(),
    id_conflicts: z.int().nullable(),
    journal_state: journalState.nullable(),
    disk_free_bytes: z.number().nullable(),
    app_version: z.string().nullable(),
    /** False: below the version the centre asks for. */
    version_current: z.boolean().nullable(),
    clock_offset_ms: z.int().nullable(),
    clock_state: clockState.nullable(),
    key_backend: z.string().nullable(),
    owner_key: z.boolean().nullable(),
    readers: z.array(heartbeatReader),
    settings: deviceSettings,
    /** For `If-Match`. */
    version: z.int(),
  })
  .meta({ id: "OwnedDevice" });
export type OwnedDevice = z.infer<typeof ownedDevice>;

export const devicesPage = z.object({ items: z.array(ownedDevice) }).meta({ id: "DevicesPage" });

/** Changed fields only. Another `checkpoint_id` moves the machine: rows recorded before stay with their place. */
export const deviceChange = z
  .object({
    name: deviceName.optional(),
    checkpoint_id: z.uuid().optional(),
    settings: deviceSettings.partial().optional(),
  })
  .meta({ id: "DeviceChange" });
