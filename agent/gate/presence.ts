/** Where a person stands as this machine knows it: derived from the entries recorded here, nothing else. */
export interface Presence {
  readonly inside: boolean;
  /** Wall clock of the entry that put the person there, ms since the epoch. */
  readonly sinceMs: number;
  /** Last time the person was seen here, prolongations included. */
  readonly lastSeenMs: number;
}

/**
 * Whether a person still counts as inside. Somebody who left without scanning must be recorded as a new arrival
 * the next morning, so a stay without any sighting ends by itself after `forgottenExitAfterMs`.
 */
export function isInside(presence: Presence | null, nowMs: number, forgottenExitAfterMs: number): boolean {
  return presence?.inside === true && nowMs - presence.lastSeenMs < forgottenExitAfterMs;
}
