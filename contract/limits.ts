/** Bounds both ends keep. Sizes are bytes, durations milliseconds unless the name says seconds. */
export const maxBatchEntries = 200;
export const maxBatchBytes = 512 * 1024;
/** Above the worst case of the largest raw payload with its parsed view beside it: what a gate accepted always fits. */
export const maxEntryBytes = 24 * 1024;
/** Longest raw payload an entry carries (a QR code holds at most 2,953 bytes; ISO/IEC 18004). */
export const maxRawBytes = 4 * 1024;
export const maxReplyBytes = 1024 * 1024;
/**
 * A number this far above all before it is believed by neither end: a device may lose what a lost disk or a restored
 * backup held, never so much, and a number once believed is for good.
 */
export const maxSequenceLeap = 1_000_000_000;
/** Missing ranges of one answer. */
export const maxMissingRanges = 100;
export const uploadTimeoutMs = 60_000;
export const callTimeoutMs = 10_000;
export const otpValidS = 300;
export const otpResendAfterS = 60;
export const otpAttempts = 5;
export const accessTokenValidS = 600;
/** A lost refresh reply may be asked again with the old token for this long. */
export const refreshGraceS = 60;
/** Entries one decision about held scans may name. */
export const maxMarkedEntries = 200;
/** The full view needs a one-time code proved at most this long ago. */
export const fullViewSignInMs = 12 * 3_600_000;
/** User codes and invitations of machines. */
export const enrolmentValidS = 600;
/** A waiting machine asks this often. */
export const enrolIntervalS = 5;
/** A machine says something this often; after several times as long without a word it is silent. */
export const heartbeatEveryS = 60;
