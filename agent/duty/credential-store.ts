import type { KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { writeDurably } from "../../provisioning/durable-file.ts";
import { seal, unseal } from "../../provisioning/secrets.ts";

const tokens = z.object({ accessToken: z.string(), refreshToken: z.string() });

/** The staff credential of this machine, as kept between starts. */
export const credential = z.object({
  /** Reference of the staff member, written on each entry. */
  staffRef: z.string(),
  name: z.string().nullable(),
  phoneMasked: z.string(),
  tokens,
  /** Kept until a call with the new ones succeeded, so that a lost reply locks nobody out. */
  previousRefreshToken: z.string().nullable(),
  /** The centre ended this credential: entries go on, marked; sending waits for a new sign-in. */
  expired: z.boolean(),
});

export type Credential = z.infer<typeof credential>;

const stored = z.object({
  credential: credential.nullable(),
  /** Refresh tokens signed out here that the centre has not confirmed yet. */
  revocations: z.array(z.string()),
});

export type StoredCredential = z.infer<typeof stored>;

const place = "tram-qr duty";

/** The credential file: sealed with the station's key, replaced whole, durable before first use. */
export class CredentialStore {
  readonly #file: string;
  readonly #key: KeyObject;

  constructor(file: string, key: KeyObject) {
    this.#file = file;
    this.#key = key;
  }

  /** An unreadable file costs a sign-in, never an entry. */
  read(): StoredCredential {
    const nothing: StoredCredential = { credential: null, revocations: [] };
    let sealed: Buffer;
    try {
      sealed = readFileSync(this.#file);
    } catch {
      return nothing;
    }
    const plain = unseal(this.#key, sealed, place);
    if (plain === null) return nothing;
    const parsed = stored.safeParse(JSON.parse(Buffer.from(plain).toString("utf8")));
    return parsed.success ? parsed.data : nothing;
  }

  write(content: StoredCredential): void {
    writeDurably(this.#file, seal(this.#key, Buffer.from(JSON.stringify(content), "utf8"), place));
  }
}
