/**
 * What the bytes of a scan are: one tagged union. Absent or unreadable values are `null`, dates are ISO
 * (`YYYY-MM-DD`, or `YYYY` where only the year is printed), text is NFC.
 */

export type Sex = "male" | "female";

/** Stable warning codes. A warning never makes a code unusable; the gate decides what to do with it. */
export type Warning =
  | "unlisted-place-code"
  | "sex-mismatch"
  | "birth-year-mismatch"
  | "issue-date-out-of-range"
  | "extra-fields"
  | "unusual-field-count"
  | "name-unreadable"
  | "address-unreadable"
  | "parent-name-unreadable"
  | "facility-unreadable"
  | "issue-place-unreadable"
  | "input-method"
  | "management-code-mismatch"
  | "management-province-mismatch"
  | "unlisted-object-code"
  | "unlisted-province"
  | "short-form"
  | "end-marker-hash"
  | "text-utf16"
  | "letters-lost"
  | "no-vietnamese-letters"
  | "ambiguous-number"
  | "expired"
  | "not-verified";

/** Rows of the repair table that are certain; each one applied to a payload is named. */
export type Repair = "R1" | "R2" | "R3" | "R4" | "R5" | "R9" | "R10" | "R11" | "R12";

interface Recognised {
  readonly warnings: readonly Warning[];
  readonly repairs: readonly Repair[];
}

export interface CccdFields {
  readonly citizenNumber: string;
  readonly oldIdNumber: string | null;
  readonly fullName: string | null;
  readonly dateOfBirth: string | null;
  readonly sex: Sex | null;
  readonly address: string | null;
  readonly issuedOn: string | null;
  /** Fields 8 and later, raw, in card order; their meaning is not published. */
  readonly extra: readonly string[];
}

export interface CccdCode extends Recognised {
  readonly kind: "cccd";
  readonly form: "2021" | "2024" | "other";
  readonly fields: CccdFields;
}

export interface BhytFields {
  /** 15 characters (object, level, province, ten more) or the 10-digit number. */
  readonly cardCode: string;
  readonly fullName: string | null;
  readonly dateOfBirth: string | null;
  readonly sex: Sex | null;
  readonly address: string | null;
  readonly facility: string | null;
  readonly validFrom: string | null;
  readonly validTo: string | null;
  readonly issuedOn: string | null;
  readonly managementCode: string | null;
  readonly parentName: string | null;
  readonly livingArea: string | null;
  readonly fiveYearsFrom: string | null;
  readonly checkString: string | null;
  readonly benefitLevel: string | null;
  readonly issuePlace: string | null;
}

export interface BhytCode extends Recognised {
  readonly kind: "bhyt";
  readonly form: "15" | "17" | "short";
  readonly fields: BhytFields;
}

export interface PersonalFields {
  /** ID or passport number; masked characters stay `*`. */
  readonly documentNumber: string;
  readonly fullName: string;
  /** `YYYY-MM-DD` with stars where the owner hides them. */
  readonly dateOfBirth: string;
  readonly declaredBy: "self" | "other";
  /** Number issued by the national QR platform: the only stable key of a masked code. */
  readonly qid: string;
  readonly declarerQid: string | null;
  readonly sex: Sex | null;
  readonly insuranceNumber: string | null;
  readonly phone: string | null;
}

export interface PersonalCode extends Recognised {
  readonly kind: "personal";
  readonly form: "1405";
  readonly fields: PersonalFields;
}

export interface CertificateFields {
  readonly fullName: string | null;
  readonly dateOfBirth: string | null;
  readonly issuer: string | null;
  readonly expiresOn: string | null;
  /** Certificate number (UVCI), the only stable key of a certificate. */
  readonly certificateId: string | null;
  /** Always false today: the signing keys are gone, the certificate is read and not trusted. */
  readonly verified: boolean;
}

export interface CertificateCode extends Recognised {
  readonly kind: "certificate";
  readonly form: "hc1";
  readonly fields: CertificateFields;
}

/** A declaration or place URL of the 2021 systems; `form` is the host it was recognised by. */
export interface UrlCode extends Recognised {
  readonly kind: "declaration" | "place";
  readonly form: string;
  readonly fields: { readonly id: string | null; readonly url: string };
}

export interface NumberCode extends Recognised {
  readonly kind: "number";
  readonly form: "citizen" | "old-id" | "bhyt" | "social-insurance" | "paper-label";
  readonly fields: { readonly value: string };
}

/** Our own signed personal code; `form` is its version. */
export interface TramPersonalCode extends Recognised {
  readonly kind: "tram-personal";
  readonly form: string;
  readonly fields: {
    readonly id: string;
    readonly fullName: string | null;
    readonly issuedOn: string | null;
    readonly expiresOn: string | null;
    readonly verified: boolean;
  };
}

/** Our own signed place code (contract/signed-code.ts); `form` is its version. Its signature is checked elsewhere. */
export interface TramPlaceCode extends Recognised {
  readonly kind: "tram-place";
  readonly form: "1" | "2";
  readonly fields: {
    readonly id: string;
    readonly issuedOn: string;
    readonly kid: string;
    readonly number: number;
    /** As read: what its signature is checked in. */
    readonly text: string;
  };
}

/** An owner's invitation for a machine (contract/invitation-code.ts). It is never recorded; its secret stands in no log. */
export interface TramInvitationCode extends Recognised {
  readonly kind: "tram-invitation";
  readonly form: "1";
  readonly fields: { readonly centre: string; readonly secret: string };
}

/** Why a payload that looks like a known type is not taken as one. */
export type DamageReason =
  | "truncated"
  | "lost-start"
  | "letters-lost"
  | "input-method"
  | "code-page"
  | "impossible-date"
  | "impossible-number"
  | "bad-field"
  | "does-not-inflate"
  | "ambiguous-repair";

/** Looks like `form` but fails a hard check. Fields that passed their own checks are kept for the screen. */
export interface DamagedCode extends Recognised {
  readonly kind: "damaged";
  readonly form: "cccd" | "bhyt" | "personal" | "certificate" | "tram-personal" | "tram-place" | "tram-invitation";
  readonly fields: { readonly reason: DamageReason } & Readonly<
    Partial<Record<string, string | boolean | readonly string[] | null>>
  >;
}

export interface UnknownCode extends Recognised {
  readonly kind: "unknown";
  readonly form: null;
  readonly fields: Record<string, never>;
}

export type Code =
  | CccdCode
  | BhytCode
  | PersonalCode
  | CertificateCode
  | UrlCode
  | NumberCode
  | TramPersonalCode
  | TramPlaceCode
  | TramInvitationCode
  | DamagedCode
  | UnknownCode;
