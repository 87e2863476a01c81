import { z } from "zod";
import type { Clock } from "../clock.ts";

/** Wrong PINs in a row of one member on this machine, as kept between starts. */
export const pinTries = z.object({
  wrong: z.int().nonnegative(),
  /** Until when by the monotonic clock of a boot no try is taken, and how long that wait is as a whole. */
  wait: z.object({ bootId: z.string(), untilMono: z.number(), ms: z.number() }).nullable(),
});

export type PinTries = z.infer<typeof pinTries>;

export const noTries: PinTries = { wrong: 0, wait: null };

/** The waits after the fifth wrong PIN in a row, the sixth and the seventh; the eighth was the last. */
const freeTries = 5;
const waitsMs = [60_000, 5 * 60_000, 15 * 60_000] as const;
export const mostTries = freeTries + waitsMs.length;

/**
 * Wrong PINs under all names together after which only a one-time code brings anybody on duty: who tries a few common
 * PINs under each name stays below what locks a single one.
 */
export const mostTriesOfAll = 20;

/**
 * Counts a try as wrong. It is written down before the PIN is looked at and taken back when it was right, so that no
 * power cut gives a try for nothing.
 */
export function counted({ wrong }: PinTries, clock: Clock): PinTries {
  const ms = waitsMs[wrong + 1 - freeTries];
  return { wrong: wrong + 1, wait: ms === undefined ? null : beginningNow(ms, clock) };
}

/** No PIN of this member is looked at any more, before it has proved a one-time code. */
export const isLocked = ({ wrong }: PinTries): boolean => wrong >= mostTries;

/** How long the next try has to wait. Running time only: setting the wall clock changes nothing. */
export function waitMs({ wait }: PinTries, clock: Clock): number {
  return wait === null ? 0 : Math.min(wait.ms, Math.max(0, wait.untilMono - clock.monoMs()));
}

/** Another boot knows nothing of the time that has passed: the wait begins again. */
export function inThisBoot(tries: PinTries, clock: Clock): PinTries {
  const { wrong, wait } = tries;
  return wait === null || wait.bootId === clock.bootId ? tries : { wrong, wait: beginningNow(wait.ms, clock) };
}

/** How many tries are left before the first wait. */
export const freeTriesLeft = ({ wrong }: PinTries): number => Math.max(0, freeTries - wrong);

function beginningNow(ms: number, clock: Clock): NonNullable<PinTries["wait"]> {
  return { bootId: clock.bootId, untilMono: clock.monoMs() + ms, ms };
}
