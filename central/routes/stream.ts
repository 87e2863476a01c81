import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type Central, callerOf } from "../context.ts";
import { type EventStream, startEventStream } from "../event-stream.ts";
import { checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { faultOf } from "../http-rules.ts";
import { countsOf, entriesFor, fullEntryOf, listedEntryOf, noteFullView } from "../listing.ts";
import type { Caller } from "../tokens.ts";
import { viewQuery } from "./entries.ts";
import { viewHere, type WantedView } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const streamsPerPerson = 3;
const commentEveryMs = 15_000;
const expiryLookMs = 1000;
const pageSize = 100;
/** A reader further behind loads the list instead. */
const mostBehind = 1000;
const longestBehindMs = 10 * 60_000;

/** The live list as server-sent events. Every open stream reads the store when it hears that something changed. */
export function streamRoutes(server: FastifyInstance, central: Central): void {
  const open = new Map<EventStream, string>();

  server.get("/v1/checkpoints/:id/entries::stream", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const { view, purpose, include_children: includeChildren } = checked(request.query, z.object(viewQuery));
    const wanted = { view, purpose, includeChildren };
    await viewHere(central, id, caller, wanted);
    const mine = [...open.values()].filter((personRef) => personRef === caller.personRef).length;
    if (mine >= streamsPerPerson) {
      throw new HttpProblem("too_many_streams", `Close one of your ${streamsPerPerson} live lists first.`, {
        retryAfterS: 15,
      });
    }
    const lastId = request.headers["last-event-id"];
    const headers = Object.fromEntries(
      Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
    );
    reply.hijack();
    const stream = startEventStream(reply.raw, headers);
    open.set(stream, caller.personRef);
    stream.onClose(() => open.delete(stream));
    const log = (error: unknown) => {
      request.log.error({ fault: faultOf(error) }, "a stream failed");
      stream.end({ name: "bye", data: { reason: "restart" } });
    };
    await follow(
      central,
      stream,
      { id, caller, wanted, lastId: typeof lastId === "string" ? lastId : null },
      log,
    ).catch(log);
  });

  // Open streams would hold the server's close for ever.
  server.addHook("preClose", async () => {
    for (const stream of open.keys()) stream.end({ name: "bye", data: { reason: "restart" } });
  });
}

interface Followed {
  readonly id: string;
  readonly caller: Caller;
  readonly wanted: WantedView;
  readonly lastId: string | null;
}

/** Feeds a stream until it is closed. */
async function follow(
  central: Central,
  stream: EventStream,
  { id, caller, wanted, lastId }: Followed,
  failed: (error: unknown) => void,
): Promise<void> {
  const { store, clock, cursors, live } = central;
  const bye = (reason: "token" | "rights") => stream.end({ name: "bye", data: { reason } });
  const opened = await viewHere(central, id, caller, wanted);
  let position = await store.entries.lastPosition(opened.checkpointIds);
  if (lastId !== null) {
    const from = cursors.open(id, lastId);
    if (from === null || from > position || (await tooFarBehind(central, opened.checkpointIds, from))) {
      await stream.send({ name: "reset", id: cursors.seal(id, position), data: {} });
    } else {
      position = from;
    }
  }

  const listening = new Map<string, () => void>();
  /** Whether one of these places is heard for the first time. */
  const listenTo = (places: readonly string[]): boolean => {
    const added = places.filter((place) => !listening.has(place));
    for (const place of added) listening.set(place, live.listen(place, changed));
    return added.length > 0;
  };

  /** Sends what arrived since `position`, and the counts. Rights and token are looked up each time. */
  const catchUp = async () => {
    for (;;) {
      if (!(await central.tokens.stillOpen(caller.familyId))) return bye("token");
      const allowed = await viewHere(central, id, caller, wanted).catch(noRight);
      if (!allowed) return bye("rights");
      const { grant, checkpointIds, look } = allowed;
      // Read first: what arrives in between comes again at the next call.
      const end = await store.entries.lastPosition(checkpointIds);
      if (listenTo(checkpointIds)) {
        // A place was merged into one of these, or opened below it: what it has already is in the list only.
        position = end;
        await stream.send({ name: "reset", id: cursors.seal(id, position), data: {} });
      }
      const { role } = grant;
      const query = { checkpointId: id, checkpointIds, role, limit: pageSize, direction: null, after: null };
      const entries = await entriesFor(central, query, position);
      if (look !== null && entries.length > 0) await noteFullView(central, "full_stream", id, look, entries);
      for (const entry of entries) {
        if (!stream.open) return;
        const data = look === null ? listedEntryOf(entry) : fullEntryOf(entry);
        await stream.send({ name: "entry", id: cursors.seal(id, entry.position), data });
        position = Math.max(position, entry.position);
      }
      if (entries.length < pageSize) {
        position = Math.max(position, end);
        await stream.send({
          name: "count",
          id: cursors.seal(id, position),
          data: await countsOf(central, checkpointIds),
        });
        return;
      }
    }
  };

  let running = false;
  let again = false;
  const changed = () => {
    again = true;
    if (running) return;
    running = true;
    void (async () => {
      try {
        while (again && stream.open) {
          again = false;
          await catchUp();
        }
      } catch (error) {
        failed(error);
      } finally {
        running = false;
      }
    })();
  };
  listenTo(opened.checkpointIds);
  const comments = setInterval(() => {
    stream.comment();
    // A sign-out does not touch the checkpoint: it is seen here.
    central.tokens.stillOpen(caller.familyId).then((isOpen) => {
      if (!isOpen) bye("token");
    }, failed);
  }, commentEveryMs);
  const expiry = setInterval(() => {
    if (clock.now() >= caller.expiresAt) bye("token");
  }, expiryLookMs);
  const stop = () => {
    for (const stopListening of listening.values()) stopListening();
    clearInterval(comments);
    clearInterval(expiry);
  };
  stream.onClose(stop);
  if (!stream.open) stop();
  changed();
}

/** Rights that ended, whatever of them it was; any other fault goes on. */
function noRight(error: unknown): null {
  if (error instanceof HttpProblem && (error.type === "forbidden" || error.type === "masked_only")) return null;
  throw error;
}

async function tooFarBehind(
  { store, clock }: Central,
  checkpointIds: readonly string[],
  position: number,
): Promise<boolean> {
  const { count, firstReceivedAt } = await store.entries.behind(checkpointIds, position);
  return count > mostBehind || (firstReceivedAt !== null && clock.now() - firstReceivedAt > longestBehindMs);
}
