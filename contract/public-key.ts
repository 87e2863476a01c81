import { z } from "zod";

/** P-256 public key (JWK) as a proof and the enrolment carry it; anything beside these members is refused. */
export const publicJwk = z
  .strictObject({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: z.string().regex(/^[\w-]{43}$/),
    y: z.string().regex(/^[\w-]{43}$/),
  })
  .meta({ id: "PublicKey" });
export type PublicJwk = z.infer<typeof publicJwk>;
