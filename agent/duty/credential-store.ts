import type { KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { role } from "../../contract/people.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
import { seal, unseal } from "../../provisioning/secrets.ts";
import { pinRecord } from "./pin.ts";
import { pinTries } from "./pin-tries.ts";

const tokens = z.object({ accessToken: z.string(), refreshToken: z.string() });

/** A staff member this machine knows, as kept between starts. */
const member = z.object({
  /** Reference of the staff member, written on each entry. */
  staffRef: z.string(),
  name: z.string().nullable(),
  phoneMasked: z.string(),
  /** At the place of this machine. */
  role,
  /** The flag of this right; whether it shows anybody in full is for `agent/policy.ts` to say. */
  fullView: z.boolean().default(false),
  tokens,
  /** Kept until a call with the new ones succeeded, so that a lost reply locks nobody out. */
  previousRefreshToken: z.string().nullable(),
  /** The centre ended this credential: entries go on, marked; sending waits for a new sign-in. */
  expired: z.boolean(),
  /** Null until the member has chosen one on this machine. */
  pin: pinRecord.nullable(),
  tries: pinTries,
});

export type Member = z.infer<typeof member>;

const stored = z.object({
  /** Who was on duty last comes first. */
  members: z.array(member),
  /** Who stands behind the entries, and since when by this machine's wall clock. */
  onDuty: z.object({ staffRef: z.string(), sinceMs: z.number() }).nullable(),
  /** Why somebody was put off duty; kept until the next one comes on. */
  notice: z.object({ vi: z.string(), en: z.string() }).nullable(),
  /** Wrong PINs under all names, but for those whose member got it right in the end; a one-time code ends the count. */
  triesOfAll: z.int().nonnegative(),
  /** Refresh tokens signed out here that the centre has not confirmed yet. */
  revocations: z.array(z.string()),
});

export type StoredDuty = z.infer<typeof stored>;

const nobodyKnown: StoredDuty = { members: [], onDuty: null, notice: null, triesOfAll: 0, revocations: [] };

/** What the file holds, and whether there was one that cannot be read. */
export interface ReadDuty {
  readonly content: StoredDuty;
  readonly damaged: boolean;
}

const place = "tram-qr duty";

/** The file of the known members: sealed with the station's key, replaced whole, durable before first use. */
export class CredentialStore {
  readonly #file: string;
  readonly #key: KeyObject;

  constructor(file: string, key: KeyObject) {
    this.#file = file;
    this.#key = key;
  }

  /** An unreadable file costs sign-ins, never an entry. */
  read(): ReadDuty {
    let sealed: Buffer;
    try {
      sealed = readFileSync(this.#file);
    } catch (error) {
      return { content: nobodyKnown, damaged: (error as NodeJS.ErrnoException).code !== "ENOENT" };
    }
    const plain = unseal(this.#key, sealed, place);
    const parsed = plain === null ? null : stored.safeParse(JSON.parse(Buffer.from(plain).toString("utf8")));
    return parsed?.success ? { content: parsed.data, damaged: false } : { content: nobodyKnown, damaged: true };
  }

  write(content: StoredDuty): void {
    writeDurably(this.#file, seal(this.#key, Buffer.from(JSON.stringify(content), "utf8"), place));
  }
}
