import { z } from "zod";
import { direction } from "./entries.ts";
import { entriesView, viewPurpose } from "./privacy.ts";

/** Longest period of one export: a leap year. */
const maxExportDays = 366;
const dayMs = 24 * 3_600_000;

/** Which entries of a place a file holds: those whose corrected time is at or after `from` and before `to`. */
export const exportRequest = z
  .object({
    format: z.enum(["csv", "xlsx", "json"]),
    from: z.iso.datetime({ offset: true }),
    to: z.iso.datetime({ offset: true }),
    direction: direction.optional(),
    /** The sub-places too, as far as the caller has a right there. */
    include_children: z.boolean().optional(),
    view: entriesView.optional(),
    /** Needed with `view: full`; everything that leaves then stands in the access log, entry by entry. */
    purpose: viewPurpose.optional(),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), { path: ["to"], error: "`to` comes after `from`" })
  .refine(({ from, to }) => Date.parse(to) - Date.parse(from) <= maxExportDays * dayMs, {
    path: ["from"],
    error: `at most ${maxExportDays} days`,
  })
  .meta({ id: "ExportRequest" });
