/**
 * All a screen may show. The agent sends a whole `KioskView` whenever anything in it changed; the page is a
 * function of the newest one. Personal values in it are already masked: the page never holds more.
 */

/** One sentence in both languages, Vietnamese first. Never contains personal data beyond masked values. */
export interface Sentence {
  readonly vi: string;
  readonly en: string;
}

export type Direction = "in" | "out";

/** What a masked person looks like on a screen. */
export interface MaskedPerson {
  /** For example `N••••• V•• A`, or null when the code carries no readable name. */
  readonly name: string | null;
  /** For example `079•••••0001`, or null. */
  readonly number: string | null;
}

/** The state of the visitor-facing screen; the agent returns it to `ready` by itself after some seconds. */
export type ScreenState =
  | { readonly state: "starting" }
  | { readonly state: "ready" }
  | {
      readonly state: "accepted";
      readonly scanId: string;
      readonly direction: Direction;
      readonly person: MaskedPerson;
      /** Wall clock of the scan, ms since the epoch. */
      readonly atMs: number;
      readonly lane: string;
      /** Amber remarks for staff next to the green, e.g. an expired card. */
      readonly remarks: readonly Sentence[];
    }
  | {
      readonly state: "repeat";
      readonly scanId: string;
      readonly direction: Direction;
      readonly person: MaskedPerson;
      /** When this person was first recorded in this direction, ms since the epoch. */
      readonly sinceMs: number;
      readonly lane: string;
    }
  | {
      readonly state: "refused";
      readonly scanId: string;
      readonly lane: string;
      /** Stable reason code of the gate, e.g. `place-code`. */
      readonly reason: string;
      readonly title: Sentence;
      readonly next: Sentence;
    }
  | {
      readonly state: "ask";
      /** Answer with the intent `answer` and this id. */
      readonly scanId: string;
      readonly lane: string;
      readonly reason: string;
      readonly direction: Direction;
      readonly person: MaskedPerson;
      readonly title: Sentence;
      readonly next: Sentence;
    }
  | { readonly state: "out-of-order"; readonly reason: string; readonly title: Sentence; readonly next: Sentence };

export interface ReaderView {
  readonly id: string;
  readonly name: string;
  readonly transport: "serial" | "hid" | "evdev" | "simulated";
  readonly direction: Direction | "auto";
  readonly state: "connecting" | "ready" | "fault";
  /** Why it is not ready and what to do; null when ready. */
  readonly message: Sentence | null;
  /** What would make it better although it reads, e.g. the way out of keyboard mode; null when there is nothing. */
  readonly advice: Sentence | null;
}

/** A relay that opens a gate. */
export interface RelayView {
  readonly id: string;
  readonly name: string;
  readonly direction: Direction | "both";
  readonly state: "connecting" | "ready" | "fault";
  /** Why the gate does not open by itself and what to do; null when it does. */
  readonly message: Sentence | null;
}

/** Something plugged in that looks like a reader but cannot be read as it is. */
export interface UnusableDevice {
  readonly id: string;
  /** What it is, as its maker calls it. */
  readonly name: string;
  /** Why it cannot be read. */
  readonly title: Sentence;
  /** What to do about it. */
  readonly next: Sentence;
}

/** Something the guided test found about a reader. */
export interface ReaderTestFinding {
  /** Stable code, e.g. `input-method`. */
  readonly code: string;
  /** `note`: the scan is exact. `repaired`: it differs in a way that is always undone. `fault`: people would be refused. */
  readonly severity: "note" | "repaired" | "fault";
  readonly title: Sentence;
  readonly next: Sentence;
  /** For the technician, English, with the particulars. */
  readonly technician: string;
}

/** The guided test of one reader; while it runs, that reader's scans are recorded nowhere. */
export interface ReaderTestView {
  readonly readerId: string;
  readonly readerName: string;
  /** `waiting` for the first scan of this step, `result` of this step, `done` with all steps. */
  readonly state: "waiting" | "result" | "done";
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** Length of the code that is shown. */
  readonly codeBytes: number;
  /** The code to show, one unit a module, quiet zone included; `path` is the `d` of an SVG path. Null when done. */
  readonly symbol: { readonly side: number; readonly path: string } | null;
  /** Of this step, or of all when done; null while waiting. */
  readonly verdict: "exact" | "usable" | "faulty" | null;
  readonly findings: readonly ReaderTestFinding[];
}

/** What an earlier test found, for staff. */
export interface TestedReader {
  readonly readerId: string;
  readonly atMs: number;
  readonly verdict: "exact" | "usable" | "faulty";
  readonly findings: readonly Sentence[];
}

/** What the page itself may capture. */
export interface CaptureView {
  /** `fallback`: the page offers the camera while no reader is ready; `always`: it runs whenever the page is shown. */
  readonly camera: "off" | "fallback" | "always";
  /** Scans of readers in keyboard mode are taken from the keys typed on the page. */
  readonly keyboard: boolean;
}

/** How the keys of readers in keyboard mode are read on the page: `KeyboardCalibration` of `drivers/keyboard`. */
export interface KeyboardCalibrationView {
  readonly gapMs: number;
  readonly layout: "us" | "system";
  readonly prefix: string;
}

/** What a staff member may do, as on the wire. */
export type StaffRole = "scanner" | "supervisor" | "owner";

/**
 * The progress of a sign-in or a shift change, else who is on duty. While somebody signs in, whoever is on duty stays so:
 * {@link StaffView.onDuty} says who.
 */
export type DutyView =
  | { readonly state: "none"; readonly message: Sentence | null }
  | { readonly state: "sending"; readonly phoneMasked: string }
  | {
      readonly state: "code-sent";
      readonly phoneMasked: string;
      /** Seconds until another code may be asked for. */
      readonly resendAfterS: number;
      readonly message: Sentence | null;
    }
  | { readonly state: "verifying"; readonly phoneMasked: string }
  | {
      /** A name was chosen: its PIN is awaited, or being checked. */
      readonly state: "pin";
      readonly staffId: string;
      readonly name: string | null;
      readonly phoneMasked: string;
      readonly checking: boolean;
      /** Seconds until the next try is taken, 0 when it may be typed now. */
      readonly waitS: number;
      /** Why the last try did not do. */
      readonly message: Sentence | null;
    }
  | {
      readonly state: "signed-in";
      readonly name: string | null;
      readonly phoneMasked: string;
      /** True when the credential ended: scans are still recorded and marked, sending waits for a new sign-in. */
      readonly expired: boolean;
      /** There for some minutes after a one-time code was proved: a PIN may be chosen now. Null at any other time. */
      readonly pinChoice: { readonly message: Sentence | null } | null;
    };

/** A staff member this machine knows: nobody else can come on duty without a one-time code. */
export interface KnownStaff {
  readonly id: string;
  readonly name: string | null;
  readonly phoneMasked: string;
  readonly role: StaffRole;
  /** `set`: the PIN is enough. `none`: no PIN was chosen. `locked`: too many wrong ones. The last two need a one-time code. */
  readonly pin: "set" | "none" | "locked";
}

/** Staff on this machine. */
export interface StaffView {
  readonly onDuty: {
    readonly id: string;
    readonly name: string | null;
    readonly phoneMasked: string;
    readonly role: StaffRole;
    /** Wall clock of this machine, ms since the epoch. */
    readonly sinceMs: number;
    readonly expired: boolean;
  } | null;
  /** Who was on duty last comes first. */
  readonly known: readonly KnownStaff[];
  /** Why somebody was put off duty, until the next one comes on; null at any other time. */
  readonly notice: Sentence | null;
  /** What whoever is on duty may do on this screen. */
  readonly may: {
    readonly testReaders: boolean;
    readonly sendRefusedAgain: boolean;
    readonly forgetOthers: boolean;
    /** Let an invitation in although the machine belongs to a place. */
    readonly enrolAgain: boolean;
  };
  /** What guards the keys of this machine, e.g. `file`. */
  readonly keyBackend: string;
}

/** What visitors are told about their data, by the owner of the place. */
export interface NoticeView {
  readonly version: number;
  readonly text: Sentence;
}

/** To which place this machine belongs, or how far its enrolment has come. */
export type EnrolmentView = {
  /** Short form of this machine's key: the owner's page shows the same. */
  readonly fingerprint: string;
  /** Host of the centre; null when nobody has told it. */
  readonly centre: string | null;
  /** What became of the last try, or why it does not go on; null when there is nothing to say. */
  readonly message: Sentence | null;
  /** A scanned invitation is taken now. */
  readonly mayScanInvitation: boolean;
  /** Its place is known, from its enrolment or from the configuration, and nobody has removed it: it takes new scans. */
  readonly records: boolean;
  /** How the last request ended: `denied` by the owner, `expired` before anybody decided, or `failed`; null after none. */
  readonly ended: "denied" | "expired" | "failed" | null;
} & (
  | { readonly state: "none" }
  | { readonly state: "asking" }
  | {
      readonly state: "waiting";
      /** What the owner types on the phone, e.g. `BCDF-GHJK`. */
      readonly userCode: string;
      readonly verificationUri: string;
      readonly verificationUriComplete: string;
      /** Of the place an invitation named. */
      readonly placeName: string | null;
      /** Null when this start did not see it begin. */
      readonly expiresInS: number | null;
      /** Of the address with the code, for a phone's camera. */
      readonly symbol: { readonly side: number; readonly path: string } | null;
    }
  | {
      /** `revoked`: no new scan is taken, what was recorded is still sent. */
      readonly state: "enrolled" | "revoked";
      readonly name: string;
      readonly placeName: string;
    }
);

export interface QueueView {
  /** False when the last call failed or none succeeded yet. */
  readonly online: boolean;
  readonly unsent: number;
  /** Age of the oldest unsent entry in seconds, null when nothing waits. */
  readonly oldestAgeS: number | null;
  readonly quarantined: number;
  /** Why sending does not work right now, null when it does. */
  readonly message: Sentence | null;
}

export interface RecentEntry {
  readonly entryId: string;
  readonly atMs: number;
  readonly direction: Direction;
  readonly person: MaskedPerson;
  readonly codeKind: string;
  readonly state: "unsent" | "stored" | "duplicate" | "quarantined";
}

/** Sent on every change. */
export interface KioskView {
  /** Counts the views of this agent run; a page drops an older one. */
  readonly revision: number;
  readonly placeName: string | null;
  readonly screen: ScreenState;
  readonly readers: readonly ReaderView[];
  /** Plugged in, but not readable as it is; each with what to do. */
  readonly unusable: readonly UnusableDevice[];
  readonly relays: readonly RelayView[];
  /** Null unless a reader is being tested. */
  readonly readerTest: ReaderTestView | null;
  /** Readers that were tested on this machine. */
  readonly tested: readonly TestedReader[];
  readonly capture: CaptureView;
  readonly keyboardCalibration: KeyboardCalibrationView;
  readonly enrolment: EnrolmentView;
  readonly duty: DutyView;
  readonly staff: StaffView;
  /** Null while the place has none, or it is not known yet. */
  readonly notice: NoticeView | null;
  readonly queue: QueueView;
  /** People inside as this machine knows it. */
  readonly inside: number;
  /** Newest first, at most 20, of the last 15 minutes. Empty unless someone is signed in. */
  readonly recent: readonly RecentEntry[];
}
