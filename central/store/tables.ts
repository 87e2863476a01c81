import type { Generated } from "kysely";

/** Rows as they lie in the database. `*_sealed` columns hold sealed personal data, `*_tag` columns keyed hashes. */
export interface Tables {
  setting: { name: string; value: string };
  person: { ref: string; phone_tag: string; phone_sealed: Uint8Array; created_at: number };
  checkpoint: {
    id: string;
    name: string;
    kind: string;
    kind_status: "declared" | "approved";
    units_version: string;
    province_code: string;
    commune_code: string;
    /** Phone of the place, the free line and the former units of its address, why it is in its state. */
    contact_sealed: Uint8Array;
    retention_days: number;
    content_tag: string;
    created_by: string;
    created_at: number;
    version: number;
    state: "active" | "suspended" | "closed" | "merged";
    state_since: number | null;
    successor_id: string | null;
    parent_id: string | null;
    part_type: string | null;
    part_label: string | null;
    inherits_address: number;
    inherits_retention: number;
    record_when_expired: number;
    rescan_s: number;
    late_scans: string;
    legal_basis: string;
    notice_version: number;
    /** Null: the usual text. */
    notice_vi: string | null;
    notice_en: string | null;
    code_number: number;
    /** Null: when the place was registered. */
    code_issued_at: number | null;
    kind_decision: string | null;
    kind_reference: string | null;
    kind_decided_at: number | null;
  };
  /** A grant: rights are judged by the one valid at the time of the scan, so that rows are ended, not deleted. */
  staff_grant: {
    id: string;
    checkpoint_id: string;
    person_ref: string;
    role: string;
    name_sealed: Uint8Array;
    content_tag: string;
    added_by: string;
    valid_from: number;
    valid_to: number | null;
    last_seen_at: number | null;
    /** 1: may see people in full where the place allows it. */
    full_view: number;
    include_children: number;
    /** When it ends by itself; `valid_to` is when it did end. */
    ends_at: number | null;
    version: number;
  };
  /** Append-only: triggers refuse to change or delete. Each `hash` covers the one before. */
  access_record: {
    seq: number;
    at: number;
    action: string;
    actor: string;
    checkpoint_id: string | null;
    /** Ids as a JSON array. */
    objects: string;
    purpose: string | null;
    reason_sealed: Uint8Array | null;
    hash: string;
  };
  otp_challenge: {
    id: string;
    phone_tag: string;
    phone_sealed: Uint8Array;
    /** Keyed hashes of the caller's address and of the phone's first digits; null for codes of before they were kept. */
    address_tag: string | null;
    prefix_tag: string | null;
    audience: string;
    code_tag: string;
    created_at: number;
    expires_at: number;
    attempts: number;
    used_at: number | null;
  };
  otp_guard: { phone_tag: string; failures: number; blocked_until: number };
  token_family: {
    id: string;
    person_ref: string;
    audience: string;
    created_at: number;
    revoked_at: number | null;
    /** RFC 7638 thumbprint of the key all tokens of this sign-in are bound to. */
    jkt: Generated<string>;
  };
  /** `hash` is the SHA-256 of the token; its successors are derived from the token itself, which is not kept. */
  refresh_token: {
    hash: string;
    family_id: string;
    expires_at: number;
    used_at: number | null;
  };
  access_token: { hash: string; family_id: string; expires_at: number };
  /** Access tokens of machines; their key is their credential, so that there is nothing to refresh. */
  device_token: { hash: string; device_id: string; jkt: string; expires_at: number };
  /**
   * A token was shown under another key than its own: stolen, or a copied data folder. `subject` is the sign-in or the
   * device, `jkt` the key that showed it last.
   */
  key_alarm: { subject: string; kind: string; first_at: number; last_at: number; count: number; jkt: string };
  /** The figures are those of the last heartbeat, in the names and units of the contract; null before the first. */
  device: {
    id: string;
    first_seen_at: number;
    last_seen_at: number;
    registered_by: string;
    heartbeat_at: number | null;
    heartbeat_by: string | null;
    unsent: number | null;
    oldest_unsent_s: number | null;
    quarantined: number | null;
    id_conflicts: number | null;
    last_seq: number | null;
    last_acknowledged_seq: number | null;
    journal_state: string | null;
    disk_free_bytes: number | null;
    wal_bytes: number | null;
    fsync_p99_ms: number | null;
    app_version: string | null;
    schema_version: number | null;
    clock_offset_ms: number | null;
    clock_state: string | null;
    key_backend: string | null;
    owner_key: number | null;
    boot_id: string | null;
    /** The enrolled key: a JWK, and its RFC 7638 thumbprint. Null before the machine is enrolled. */
    /** The place it records for; null until it is enrolled. */
    checkpoint_id: string | null;
    name: Generated<string>;
    model: Generated<string>;
    os: Generated<string>;
    enrolled_at: number | null;
    /** Raised by each change of its owner. */
    version: Generated<number>;
    /** What its owner has set, JSON. */
    settings: Generated<string>;
    /** Of the last heartbeat, JSON. */
    readers: Generated<string>;
    public_key: string | null;
    jkt: string | null;
    revoked_at: number | null;
  };
  /** When a machine recorded for which place; its scans are judged by these. The one without an end is where it is. */
  device_stay: { device_id: string; checkpoint_id: string; valid_from: number; valid_to: number | null };
  /** Machines that wait for their owner, and what was decided of them, until the code ends. */
  device_request: {
    device_code_tag: string;
    user_code_tag: string;
    device_id: string;
    public_key: string;
    jkt: string;
    model: string;
    os: string;
    app_version: string;
    invited_to: string | null;
    requested_at: number;
    expires_at: number;
    interval_ms: number;
    polled_at: number | null;
    decision: "approved" | "denied" | null;
  };
  /** `used_by` is the machine and the thumbprint of its key. */
  device_invitation: {
    secret_tag: string;
    checkpoint_id: string;
    created_by: string;
    created_at: number;
    expires_at: number;
    used_at: number | null;
    used_by: string | null;
  };
  /** Sequence numbers that arrived from a device, as runs that neither overlap nor touch. Erased entries stay in. */
  seq_run: { device_id: string; from_seq: number; to_seq: number };
  entry: {
    /** Order of arrival: what list cursors and stream ids are made from. */
    position: Generated<number>;
    device_id: string;
    id: string;
    seq: number;
    kind: string;
    direction: string;
    checkpoint_id: string;
    staff_ref: string | null;
    reader_id: string;
    reader_label: string;
    boot_id: string;
    mono_ms: number;
    wall_ms: number;
    clock_state: string;
    marks: string;
    /** Raw bytes and parsed fields. */
    body_sealed: Uint8Array;
    content_tag: string;
    person_tag: string;
    uploaded_by: string;
    corrected_at: number;
    received_at: number;
    /** Version of the notice that the station showed; null when it showed none, or was of an older build. */
    notice_version: number | null;
    /** Null for what was made under a right; `held` and `discarded` are in no list and no count. */
    review: string | null;
    /** Which right had ended when it was made; null when none had. */
    late_because: string | null;
  };
  /** What else than its `person_tag` a person is found by, for those whose code tells it. */
  entry_identity: { tag: string; entry_id: string };
  /** Entries that were erased: enough to know one that is sent again, nothing of its person. */
  gone_entry: { id: string; device_id: string; seq: number };
  /** Who asked to be erased where: what of them still comes from stations is erased on arrival. `*`: everywhere. */
  erased_identity: { tag: string; checkpoint_id: string; erased_at: number; ends_at: number };
  subject_request: {
    id: string;
    kind: string;
    state: string;
    made_by: string;
    /** Ids of the places it reaches as a JSON array; null: all. */
    places: string | null;
    /** Null once the person was erased. */
    subject_sealed: Uint8Array | null;
    reason_sealed: Uint8Array;
    content_tag: string;
    found: number;
    received_at: number;
    acknowledge_by: number;
    due_by: number;
    acknowledged_at: number | null;
    done_at: number | null;
  };
  official_grant: {
    id: string;
    person_ref: string;
    right: string;
    /** Codes of administrative units as a JSON array. */
    unit_codes: string;
    added_at: number;
    ended_at: number | null;
  };
  /** Last direction of each person at each checkpoint: what "inside now" is counted from. */
  presence: {
    checkpoint_id: string;
    person_tag: string;
    direction: string;
    at: number;
  };
}
