import { z } from "zod";

/**
 * All a screen may ask. Parsed at the door: anything else is dropped with a count, never obeyed.
 * `captured` is how scans of the page (webcam, keyboard wedge) and typed scans enter the pipeline.
 */
export const kioskIntent = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("captured"),
    /** Scan bytes, base64, at most 8 KiB decoded. */
    bytesB64: z.base64().max(10_924),
    source: z.enum(["keyboard", "webcam", "typed"]),
    /** What the page saw go wrong while it captured; such a scan is refused with what to do, never taken for a person. */
    spoiled: z.enum(["input-method", "gap", "overflow"]).optional(),
    direction: z.enum(["in", "out", "auto"]).optional(),
    /**
     * The page's wall clock, which is the agent's: a scan that lay before a stopped agent was called "not recorded" by the
     * page and is not taken afterwards.
     */
    capturedAtMs: z.int().optional(),
    /** Echoed in the `captured` answer so that the sender can match it. */
    correlationId: z.string().max(64).optional(),
  }),
  z.object({ kind: z.literal("sign-in"), phone: z.string().max(20) }),
  z.object({ kind: z.literal("verify"), code: z.string().max(10) }),
  /** Ends what a sign-in or a shift change has come to, a choice of a PIN too; who is on duty stays on duty. */
  z.object({ kind: z.literal("cancel-sign-in") }),
  /** A known member chose its name: its PIN is asked for. */
  z.object({ kind: z.literal("take-over"), staffId: z.string().max(64) }),
  z.object({ kind: z.literal("pin"), pin: z.string().max(16) }),
  /** Typed twice, right after a one-time code. */
  z.object({ kind: z.literal("choose-pin"), pin: z.string().max(16), again: z.string().max(16) }),
  /** Nobody is on duty from now on; the member stays known. */
  z.object({ kind: z.literal("go-off-duty") }),
  /** The machine forgets this member, or whoever is on duty. */
  z.object({ kind: z.literal("sign-out"), staffId: z.string().max(64).optional() }),
  z.object({ kind: z.literal("answer"), scanId: z.string().max(64), accept: z.boolean() }),
  /** Asks a centre to enrol this machine; the one it knows when none is named. */
  z.object({ kind: z.literal("enrol"), centre: z.string().max(300).optional() }),
  /** Gives the request up. */
  z.object({ kind: z.literal("cancel-enrolment") }),
  /** Lets the next invitation in although this machine belongs to a place. */
  z.object({ kind: z.literal("allow-enrolment") }),
  /** Begins the guided test of a reader, or of what the page captures (`page:keyboard`). */
  z.object({ kind: z.literal("reader-test-start"), readerId: z.string().max(400) }),
  z.object({ kind: z.literal("reader-test-next") }),
  z.object({ kind: z.literal("reader-test-stop") }),
  /** A receipt of carried entries lies in the data folder. */
  z.object({ kind: z.literal("take-receipts") }),
  /** What the centre refused is sent again: somebody has mended the cause. */
  z.object({ kind: z.literal("send-refused-again") }),
  z.object({ kind: z.literal("dismiss"), scanId: z.string().max(64) }),
]);

export type KioskIntent = z.infer<typeof kioskIntent>;
