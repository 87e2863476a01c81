import { z } from "zod";

/** Public keys that the codes of a centre are checked with, also without a network. */
export const codeKeys = z
  .object({
    /** Raised whenever the set changes: a lower one than known is not taken. */
    set_version: z.int().min(0).default(0),
    keys: z.array(
      z.object({
        kid: z.string().regex(/^[0-9a-f]{8}$/),
        kty: z.literal("OKP"),
        crv: z.literal("Ed25519"),
        /** The raw key, base64url (RFC 8037). */
        x: z.string().regex(/^[\w-]{43}$/),
        use: z.literal("place_code"),
        /** A retired key signs nothing new; what it signed stays good. */
        state: z.enum(["active", "retired"]),
      }),
    ),
  })
  .meta({ id: "CodeKeys" });

export type CodeKeys = z.infer<typeof codeKeys>;
