import type { Texts } from "./vi.ts";

// Vietnam has one time zone; the browser's own may be another.
const timeZone = "Asia/Ho_Chi_Minh";
const day = new Intl.DateTimeFormat("en-GB", { timeZone, day: "2-digit", month: "2-digit" });
const fullDay = new Intl.DateTimeFormat("en-GB", { timeZone, day: "2-digit", month: "2-digit", year: "numeric" });
const isoDay = new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
const seconds = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "medium" });
const minutes = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "short" });

/** `14:03:22` in Vietnam, with the day when it is not today's. */
export function clockTime(at: string | number, now = Date.now()): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return "–";
  const time = seconds.format(moment);
  return day.format(moment) === day.format(now) ? time : `${time} · ${day.format(moment)}`;
}

/** `02/03/2026 14:03`. */
export function dateTime(at: string | number): string {
  const moment = new Date(at);
  return Number.isNaN(moment.getTime()) ? "–" : `${fullDay.format(moment)} ${minutes.format(moment)}`;
}

/** `02/03/2026`. */
export function date(at: string | number): string {
  const moment = new Date(at);
  return Number.isNaN(moment.getTime()) ? "–" : fullDay.format(moment);
}

/** `2026-03-02`: the day in Vietnam, as a date field holds it. */
export const dayIn = (at: string | number): string => isoDay.format(new Date(at));

/** The first instant of a day of Vietnam, `days` days later, as the wire wants it. */
export function startOfDay(isoDate: string, days = 0): string | null {
  const start = Date.parse(`${isoDate}T00:00:00+07:00`);
  return Number.isNaN(start) ? null : new Date(start + days * 86_400_000).toISOString();
}

/** The last second of a day of Vietnam. */
export function endOfDay(isoDate: string): string | null {
  const next = startOfDay(isoDate, 1);
  return next === null ? null : new Date(Date.parse(next) - 1000).toISOString();
}

/** A time span in its largest unit: `5 giây`, `3 phút`, `2 giờ`, `4 ngày`. */
export function span(totalSeconds: number, { spans }: Texts): string {
  const whole = Math.max(0, Math.round(totalSeconds));
  const [unit, n]: [string, number] =
    whole < 90
      ? ["s", whole]
      : whole < 90 * 60
        ? ["min", Math.round(whole / 60)]
        : whole < 48 * 3600
          ? ["h", Math.round(whole / 3600)]
          : ["d", Math.round(whole / 86_400)];
  return (spans[unit] ?? "{n}").replace("{n}", String(n));
}
