import { z } from "zod";
import { refreshRequest, tokenReply } from "./people.ts";

/** The enrolled key is the credential: the proof that goes with this call must be made with it. */
export const deviceTokenRequest = z
  .object({ grant_type: z.literal("device"), device_id: z.uuid() })
  .meta({ id: "DeviceTokenRequest" });

export const deviceTokenReply = z
  .object({
    access_token: z.string(),
    token_type: z.literal("DPoP"),
    /** Seconds the access token lives. */
    expires_in: z.int(),
    /** The owner has revoked this machine: what it scanned before may still be uploaded, nothing else is allowed. */
    revoked: z.boolean(),
  })
  .meta({ id: "DeviceTokenReply" });
export type DeviceTokenReply = z.infer<typeof deviceTokenReply>;

export const tokenRequest = z.discriminatedUnion("grant_type", [refreshRequest, deviceTokenRequest]);
/** A device is answered with the second form. */
export const issuedToken = z.union([tokenReply, deviceTokenReply]);
