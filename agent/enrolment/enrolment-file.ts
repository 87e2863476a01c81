import { readFileSync } from "node:fs";
import { z } from "zod";
import { deviceConfig, deviceRegistration } from "../../contract/devices.ts";
import { centralUrl } from "../../provisioning/agent-config.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";

/** What the centre answered to the request to be enrolled. */
const waitingForOwner = z.object({
  /** Worth nothing without this machine's key. */
  deviceCode: z.string(),
  userCode: z.string(),
  verificationUri: z.string(),
  verificationUriComplete: z.string(),
  placeName: z.string().nullable(),
  intervalS: z.number(),
});

const kept = z.object({
  /** Address of the centre that this machine belongs to or asks; null when nobody has told it one. */
  centre: centralUrl.nullable(),
  waiting: waitingForOwner.nullable(),
  registration: deviceRegistration.nullable(),
  /** The owner has removed it. */
  revoked: z.boolean(),
  config: z.object({ etag: z.string(), value: deviceConfig }).nullable(),
});
/** To whom this machine belongs, as kept between starts. */
export type KeptEnrolment = z.infer<typeof kept>;

export const enrolmentFile = "enrolment.json";
export const notEnrolled: KeptEnrolment = {
  centre: null,
  waiting: null,
  registration: null,
  revoked: false,
  config: null,
};

/** What lies in `file`; a damaged one is reported and costs an enrolment at most, never an entry. */
export function readEnrolment(file: string): { content: KeptEnrolment; damaged: boolean } {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return { content: notEnrolled, damaged: (error as NodeJS.ErrnoException).code !== "ENOENT" };
  }
  const parsed = kept.safeParse(jsonOf(text));
  return parsed.success ? { content: parsed.data, damaged: false } : { content: notEnrolled, damaged: true };
}

/** @throws Error when the disk does not take it */
export function writeEnrolment(file: string, content: KeptEnrolment): void {
  writeDurably(file, JSON.stringify(content));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
