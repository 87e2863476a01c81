import { useEffect } from "preact/hooks";
import { type Connection, connection, insideNow, type Line, lines, today } from "../board.ts";
import { followPlace } from "../follow.ts";
import type { Place } from "../session.ts";
import { clockTime, fill, texts } from "../texts.ts";

const lateAfterMs = 2 * 60_000;

/** What happens at one place: who is inside, today's totals, and the latest scans as they arrive. */
export function Board({ place }: { place: Place }) {
  useEffect(() => {
    const leaving = new AbortController();
    void followPlace(place.id, leaving.signal);
    return () => leaving.abort();
  }, [place.id]);

  const t = texts.value;
  return (
    <div class="board">
      <section class="figures">
        <p class={`connection ${connection.value.kind}`} role="status">
          {sentenceFor(connection.value)}
        </p>
        <dl class="inside">
          <dt>{t.insideNow}</dt>
          <dd>{insideNow.value ?? "–"}</dd>
        </dl>
        <div class="today">
          <dl class="in">
            <dt>{t.inToday}</dt>
            <dd>{today.value?.in ?? "–"}</dd>
          </dl>
          <dl class="out">
            <dt>{t.outToday}</dt>
            <dd>{today.value?.out ?? "–"}</dd>
          </dl>
        </div>
        {place.role === "scanner" ? <p class="hint">{t.scannerWindow}</p> : null}
      </section>
      <section class="latest" aria-label={t.latest}>
        <h1>{t.latest}</h1>
        {lines.value.length === 0 ? <p class="notice">{t.empty}</p> : null}
        <div role="log" aria-live="polite" aria-relevant="additions">
          <ol class="lines">
            {lines.value.map((line) => (
              <LineRow key={line.id} line={line} />
            ))}
          </ol>
        </div>
      </section>
    </div>
  );
}

function LineRow({ line }: { line: Line }) {
  const t = texts.value;
  const late = Date.parse(line.receivedAt) - Date.parse(line.at) > lateAfterMs;
  return (
    <li class={`line ${line.direction}`}>
      <span class="direction">
        <span aria-hidden="true">{line.direction === "in" ? "→" : "←"}</span> {t[line.direction]}
      </span>
      <span class="person">
        <span class="name">{line.name || t.noName}</span>
        <span class="number">{line.number}</span>
      </span>
      <span class="source">
        <span>{t.kinds[line.kind] ?? line.kind}</span>
        <span class="reader">{line.reader}</span>
      </span>
      <span class="when">
        <time dateTime={line.at}>{clockTime(line.at)}</time>
        {line.clockUnsure ? <small>{t.clockUnsure}</small> : late ? <small>{t.late}</small> : null}
      </span>
    </li>
  );
}

function sentenceFor(state: Connection): string {
  const t = texts.value;
  switch (state.kind) {
    case "live":
      return t.live;
    case "connecting":
      return t.connecting;
    case "polling":
      return t.polling;
    case "no-rights":
      return t.rightsEnded;
    case "offline":
      return fill(t.offline, { time: clockTime(state.since) });
  }
}
