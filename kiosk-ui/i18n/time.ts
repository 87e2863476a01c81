import type { Language } from "./language.ts";
import type { Texts } from "./vi.ts";

// Vietnam has one time zone and kiosk machines are often left on UTC: the wall clock of the gate is meant, not the system's.
const timeZone = "Asia/Ho_Chi_Minh";

const clockFormat = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
const clockSecondsFormat = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "medium" });
const shortDateFormat = new Intl.DateTimeFormat("en-GB", {
  timeZone,
  day: "2-digit",
  month: "2-digit",
  year: "numeric",
});
const dateFormats: Record<Language, Intl.DateTimeFormat> = {
  vi: new Intl.DateTimeFormat("vi-VN", {
    timeZone,
    weekday: "long",
    day: "2-digit",
    month: "2-digit",
    year: "numeric",
  }),
  en: new Intl.DateTimeFormat("en-GB", { timeZone, weekday: "long", day: "2-digit", month: "short", year: "numeric" }),
};

/** `08:05`, 24-hour clock in Vietnam time. `atMs` is ms since the epoch. */
export const clockText = (atMs: number): string => clockFormat.format(atMs);

/** `08:05:09`, for the time of one scan. */
export const clockWithSecondsText = (atMs: number): string => clockSecondsFormat.format(atMs);

/** Weekday and date in the page's language. */
export const dateText = (atMs: number, language: Language): string => dateFormats[language].format(atMs);

/** `21/11/2026`. */
export const shortDateText = (atMs: number): string => shortDateFormat.format(atMs);

/** A duration in its largest useful unit (hours and minutes below a day), e.g. `3 phút`, `2 giờ 5 phút`. */
export function durationText(totalSeconds: number, texts: Texts): string {
  const seconds = Math.max(0, Math.floor(totalSeconds));
  if (seconds < 60) return texts.underMinute;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return texts.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return texts.days(Math.floor(hours / 24));
  return minutes % 60 === 0 ? texts.hours(hours) : `${texts.hours(hours)} ${texts.minutes(minutes % 60)}`;
}
