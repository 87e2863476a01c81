import { CallProblem, problemOf, record, text } from "./api.ts";
import { addLines, clearBoard, connection, lineOf, takeCount, takeList, today } from "./board.ts";
import { readEvents } from "./event-reader.ts";
import { ask, placeUrl } from "./service.ts";
import { authorisedExchange, refresh } from "./session.ts";

const silenceMs = 45_000;
const pollMs = 15_000;
const longestWaitMs = 30_000;

/** What of a place is watched. */
export interface Watch {
  readonly placeId: string;
  readonly children: boolean;
  /** Null: masked. */
  readonly purpose: string | null;
}

type Ending = "token" | "rights" | "restart" | "reset" | "lost";

/** Keeps the board of one place up to date until `signal` is aborted, through every kind of interruption. */
export async function followPlace(watch: Watch, signal: AbortSignal): Promise<void> {
  clearBoard();
  const path = placeUrl(watch.placeId, "/entries");
  const query = queryOf(watch);
  let failures = 0;
  let cursor: string | null = null;
  while (!signal.aborted) {
    try {
      cursor ??= takeList(await ask(path + query, { signal }));
      const ending = await followStream(`${path}:stream${query}`, cursor, signal, (next) => {
        cursor = next;
        failures = 0;
      });
      if (ending === "token") await refresh();
      else if (ending === "rights") return noRights();
      else if (ending === "reset") continue;
      else if (ending === "restart") await lostFor(Math.random() * 10_000, signal);
      else throw new CallProblem("network");
    } catch (error) {
      if (signal.aborted) return;
      const { problem, retryAfterS } = problemOf(error);
      if (problem === "invalid_grant") return;
      if (problem === "forbidden" || problem === "not_found") return noRights();
      if (problem === "masked_only") {
        clearBoard();
        connection.value = { kind: "masked-only", reason: problemOf(error).reason };
        return;
      }
      if (problem === "invalid_token") {
        await refresh().catch(() => undefined);
      } else if (problem === "too_many_streams") {
        connection.value = { kind: "polling" };
        today.value = null;
        await pause(pollMs, signal);
        cursor = null;
        continue;
      }
      failures += 1;
      const wait = Math.min(longestWaitMs, 500 * 2 ** failures);
      await lostFor(Math.max(retryAfterS * 1000, wait * (0.5 + Math.random() / 2)), signal);
    }
  }
}

function queryOf({ children, purpose }: Watch): string {
  const query = new URLSearchParams();
  if (children) query.set("include_children", "true");
  if (purpose !== null) {
    query.set("view", "full");
    query.set("purpose", purpose);
  }
  return query.size === 0 ? "" : `?${query}`;
}

/** Reads one stream to its end. */
async function followStream(
  path: string,
  from: string,
  signal: AbortSignal,
  heard: (cursor: string | null) => void,
): Promise<Ending> {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), silenceMs);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), silenceMs);
  };
  try {
    const response = await authorisedExchange(path, {
      headers: { accept: "text/event-stream", ...(from === "" ? {} : { "last-event-id": from }) },
      timeoutMs: null,
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.headers.get("content-type")?.startsWith("text/event-stream") || !response.body) return "lost";
    connection.value = { kind: "live" };
    let last: string | null = from;
    for await (const event of readEvents(response.body, alive)) {
      const data: unknown = JSON.parse(event.data);
      if (event.name === "bye") return endingOf(record(data).reason);
      if (event.name === "reset") {
        heard(null);
        return "reset";
      }
      if (event.name === "entry") {
        const line = lineOf(data);
        if (line) addLines([line]);
      }
      if (event.name === "count") takeCount(data);
      last = event.id ?? last;
      heard(last);
    }
    return "lost";
  } finally {
    clearTimeout(timer);
  }
}

function endingOf(reason: unknown): Ending {
  const name = text(reason);
  return name === "token" || name === "rights" ? name : "restart";
}

function noRights(): void {
  clearBoard();
  connection.value = { kind: "no-rights" };
}

/** Shows since when nothing is heard, and waits. */
async function lostFor(ms: number, signal: AbortSignal): Promise<void> {
  const before = connection.value;
  connection.value = { kind: "offline", since: before.kind === "offline" ? before.since : Date.now() };
  await pause(ms, signal);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
