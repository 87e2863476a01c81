/** A wait the centre asks for is obeyed up to this long, ms (wire contract, section 2). */
export const longestAskedMs = 3_600_000;

/** What the centre asked for in seconds, as a wait that is kept: at most an hour, null when it is no length of time. */
export function askedWaitMs(seconds: number | undefined): number | null {
  return seconds !== undefined && seconds >= 0 ? Math.min(seconds * 1000, longestAskedMs) : null;
}

/**
 * `Retry-After` in ms: seconds or an HTTP date (RFC 9110 10.2.3), at most an hour; null when absent or neither. A date
 * counts from the `Date` of the same reply: this machine's clock may be years wrong.
 */
export function retryAfter(header: string, repliedAt: number | null): number | null {
  const text = header.trim();
  if (/^\d+$/.test(text)) return askedWaitMs(Number(text));
  const until = /^[A-Z][a-z]+, .* GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(until) || repliedAt === null) return null;
  return Math.min(Math.max(0, until - repliedAt), longestAskedMs);
}
