import { CallProblem, problemIn, problemOf, record, text } from "./api.ts";
import { addLines, clearBoard, connection, lineOf, takeCount, takeList, today } from "./board.ts";
import { readEvents } from "./event-reader.ts";
import { accessToken, authorised, refresh } from "./session.ts";

const silenceMs = 45_000;
const pollMs = 15_000;
const longestWaitMs = 30_000;

type Ending = "token" | "rights" | "restart" | "reset" | "lost";

/** Keeps the board of one place up to date until `signal` is aborted, through every kind of interruption. */
export async function followPlace(placeId: string, signal: AbortSignal): Promise<void> {
  clearBoard();
  const path = `/v1/checkpoints/${encodeURIComponent(placeId)}/entries`;
  let failures = 0;
  let cursor: string | null = null;
  while (!signal.aborted) {
    try {
      cursor ??= takeList(await authorised(path));
      const ending = await followStream(`${path}:stream`, cursor, signal, (next) => {
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
      if (problem === "forbidden") return noRights();
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
    const response = await fetch(path, {
      headers: {
        accept: "text/event-stream",
        authorization: `Bearer ${accessToken()}`,
        ...(from === "" ? {} : { "last-event-id": from }),
      },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.ok) throw await problemIn(response);
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
