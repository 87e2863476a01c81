import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { exportRequest } from "../../contract/exports.ts";
import { type Central, callerOf } from "../context.ts";
import { csvOf } from "../export/csv.ts";
import { jsonOf } from "../export/json.ts";
import { type ExportedEntry, entriesByTime } from "../export/rows.ts";
import { mostXlsxRows, xlsxOf } from "../export/xlsx.ts";
import { attachment } from "../file-name.ts";
import { bodyOf, checked, wrongValue } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { fullEntryOf, listedEntryOf, noteFullView } from "../listing.ts";
import type { Caller } from "../tokens.ts";
import { type AllowedView, viewHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const mediaTypes = {
  csv: "text/csv; charset=utf-8; header=present",
  json: "application/json; charset=utf-8",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
} as const;

/** Each reads the store and packs while others wait for their scans. */
const exportsInHand = 4;
/** A reader that takes nothing for this long is cut off: it comes back and begins again. */
const longestStallMs = 60_000;

type Wish = z.infer<typeof exportRequest>;

/** In and out of a period as a file, in the view that `central/policy.ts` allows. */
export function exportRoutes(server: FastifyInstance, central: Central): void {
  const inHand = new Map<symbol, string>();
  server.post("/v1/checkpoints/:id/exports", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const wish = bodyOf(request, exportRequest);
    const allowed = await allowedHere(central, id, caller, wish);
    const period = { direction: wish.direction, from: Date.parse(wish.from), to: Date.parse(wish.to) };
    if (wish.format === "xlsx") await fitsSheet(central, allowed, period);
    if ([...inHand.values()].includes(caller.personRef) || inHand.size >= exportsInHand) {
      throw new HttpProblem("rate_limited", "Another export is still running; begin this one when it has ended.", {
        retryAfterS: 10,
      });
    }
    const running = Symbol("export");
    inHand.set(running, caller.personRef);
    reply.raw.once("close", () => inHand.delete(running));
    try {
      const what = `${wish.format} ${wish.from}/${wish.to}${wish.direction ? ` ${wish.direction}` : ""}`;
      // What leaves in full is written down again entry by entry.
      await central.accessLog.writeFirst({
        action: "export",
        actor: caller.personRef,
        checkpointId: id,
        objects: allowed.checkpointIds,
        ...(allowed.look ? { purpose: allowed.look.purpose } : {}),
        reason: what,
      });
      const names = await namesOf(central, allowed.checkpointIds);
      const batches = rowsFor(central, { id, caller, wish, allowed, period, names });
      const head = {
        checkpoint_id: id,
        from: wish.from,
        to: wish.to,
        made_at: new Date(central.clock.now()).toISOString(),
        masked: allowed.look === null,
      };
      const view = allowed.look === null ? "masked" : "full";
      const chunks = {
        csv: () => csvOf(batches, view),
        json: () => jsonOf(batches, head),
        xlsx: () => xlsxOf(batches, view),
      };
      reply.raw.setTimeout(longestStallMs);
      return await reply
        .type(mediaTypes[wish.format])
        .header("content-disposition", attachment(["vao-ra", names.get(id) ?? "", ...days(period)], wish.format))
        // The line ends with the file, so that a stopping service has nothing left to wait for.
        .header("connection", "close")
        .send(Readable.from(chunks[wish.format](), { objectMode: false, highWaterMark: 64 * 1024 }));
    } catch (error) {
      inHand.delete(running);
      throw error;
    }
  });
}

async function allowedHere(central: Central, id: string, caller: Caller, wish: Wish): Promise<AllowedView> {
  const allowed = await viewHere(central, id, caller, {
    view: wish.view ?? "masked",
    purpose: wish.purpose ?? null,
    includeChildren: wish.include_children ?? false,
  });
  if (allowed.grant.role === "scanner") {
    throw new HttpProblem("forbidden", "Ask the owner or a supervisor for the file.");
  }
  return allowed;
}

interface Period {
  readonly direction: Wish["direction"];
  readonly from: number;
  readonly to: number;
}

async function fitsSheet({ store }: Central, { checkpointIds }: AllowedView, period: Period): Promise<void> {
  let rows = 0;
  for (const checkpointId of checkpointIds) rows += await store.entries.countMade({ ...period, checkpointId });
  if (rows > mostXlsxRows) {
    throw wrongValue(
      "/from",
      "too_many_rows",
      "A spreadsheet cannot hold so many rows: take a shorter period, or CSV.",
    );
  }
}

interface Export {
  readonly id: string;
  readonly caller: Caller;
  readonly wish: Wish;
  readonly allowed: AllowedView;
  readonly period: Period;
  readonly names: ReadonlyMap<string, string>;
}

/** The entries as they leave. Rights and session are looked up before each part: when they end, the file is cut off. */
async function* rowsFor(
  central: Central,
  { id, caller, wish, allowed, period, names }: Export,
): AsyncGenerator<ExportedEntry[]> {
  const { look } = allowed;
  for await (const entries of entriesByTime(central.store, allowed.checkpointIds, period)) {
    await allowedHere(central, id, caller, wish);
    if (!(await central.tokens.stillOpen(caller.familyId))) throw new HttpProblem("invalid_token", "Signed out.");
    if (look) await noteFullView(central, "export", id, look, entries);
    yield entries.map((entry) => ({
      entry: look ? fullEntryOf(entry) : listedEntryOf(entry),
      place: names.get(entry.checkpointId) ?? "",
    }));
    // Reading is done in this thread: others get their turn between two parts.
    await setImmediate();
  }
}

async function namesOf({ store }: Central, ids: readonly string[]): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const id of ids) names.set(id, (await store.checkpoints.find(id))?.name ?? "");
  return names;
}

/** First and last day of a period in Vietnam. */
function days({ from, to }: Period): readonly string[] {
  return [from, to - 1].map((ms) => new Date(ms + 7 * 3_600_000).toISOString().slice(0, 10));
}
