import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Connection, connection, filtered, insideNow, type Line, lines, today } from "../board.ts";
import { Dialog, DialogButtons } from "../components/dialog.tsx";
import { SelectField, TextField, Tick } from "../components/field.tsx";
import { Outside } from "../components/outside-text.tsx";
import { followPlace } from "../follow.ts";
import { fill, texts } from "../i18n/texts.ts";
import { clockTime } from "../i18n/time.ts";
import type { PlaceProps } from "./place-page.tsx";

const lateAfterMs = 2 * 60_000;

/** What happens at one place: who is inside, today's totals, and the latest scans as they arrive. */
export function Board({ place }: PlaceProps) {
  const t = texts.value;
  const children = useSignal(false);
  const purpose = useSignal<string | null>(null);
  const asking = useSignal(false);
  const direction = useSignal<"" | "in" | "out">("");
  const query = useSignal("");
  useEffect(() => {
    const leaving = new AbortController();
    void followPlace({ placeId: place.id, children: children.value, purpose: purpose.value }, leaving.signal);
    return () => leaving.abort();
  }, [place.id, children.value, purpose.value]);

  const shown = filtered(lines.value, direction.value, query.value);
  const scanner = place.role === "scanner";
  const mayAsk = place.full_view || place.policy.full_view;
  return (
    <div class="board sheet">
      <header>
        <h1 tabIndex={-1}>{t.menu.live}</h1>
        {purpose.value !== null ? (
          <button type="button" onClick={() => (purpose.value = null)}>
            {t.live.fullOff}
          </button>
        ) : mayAsk ? (
          <button type="button" onClick={() => (asking.value = true)}>
            {t.live.full}
          </button>
        ) : null}
      </header>
      <p class={`connection ${connection.value.kind}`} role="status">
        {sentenceFor(connection.value)}
      </p>
      {purpose.value === null ? (
        <p class="quiet">{scanner ? `${t.live.scannerWindow} ${t.live.maskedNote}` : t.live.maskedNote}</p>
      ) : (
        <p class="note warn">
          {fill(t.live.fullOn, { purpose: t.live.purposes[purpose.value] ?? "" })} {t.live.fullHint}
        </p>
      )}
      <dl class="figures">
        <div class="inside">
          <dt>{t.live.insideNow}</dt>
          <dd>{insideNow.value ?? "–"}</dd>
        </div>
        <div>
          <dt>{t.live.inToday}</dt>
          <dd>{today.value?.in ?? "–"}</dd>
        </div>
        <div>
          <dt>{t.live.outToday}</dt>
          <dd>{today.value?.out ?? "–"}</dd>
        </div>
      </dl>
      <div class="filter">
        <TextField
          label={t.live.search}
          value={query.value}
          change={(value) => (query.value = value)}
          input={{ type: "search", placeholder: t.live.searchHint, maxLength: 100 }}
        />
        <SelectField
          label={t.live.direction}
          value={direction.value}
          change={(value) => (direction.value = value === "in" || value === "out" ? value : "")}
          options={[
            ["", t.live.all],
            ["in", t.live.in],
            ["out", t.live.out],
          ]}
        />
      </div>
      {place.children.length > 0 && !scanner ? (
        <Tick label={t.live.children} checked={children.value} change={(value) => (children.value = value)} />
      ) : null}
      <section aria-label={t.live.latest} class="sheet">
        <h2>{t.live.latest}</h2>
        {shown.length === 0 ? (
          <p class="empty">{lines.value.length === 0 ? t.live.empty : t.live.emptyFilter}</p>
        ) : null}
        <div role="log" aria-live="polite" aria-relevant="additions">
          <ol class="lines">
            {shown.map((line) => (
              <LineRow key={line.id} line={line} place={place} />
            ))}
          </ol>
        </div>
      </section>
      {asking.value ? (
        <AskPurpose
          close={() => (asking.value = false)}
          take={(value) => {
            asking.value = false;
            purpose.value = value;
          }}
        />
      ) : null}
    </div>
  );
}

/** No purpose is chosen beforehand: who looks says why. */
function AskPurpose({ close, take }: { readonly close: () => void; readonly take: (purpose: string) => void }) {
  const t = texts.value;
  const purpose = useSignal("");
  return (
    <Dialog title={t.live.fullTitle} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (purpose.value !== "") take(purpose.value);
        }}
      >
        <p>{t.live.fullHint}</p>
        <SelectField
          label={t.live.purpose}
          value={purpose.value}
          change={(value) => (purpose.value = value)}
          options={[["", "–"], ...Object.entries(t.live.purposes)]}
        />
        <DialogButtons action={t.live.full} busy={false} ready={purpose.value !== ""} close={close} />
      </form>
    </Dialog>
  );
}

function LineRow({ line, place }: { readonly line: Line; readonly place: PlaceProps["place"] }) {
  const t = texts.value;
  const late = Date.parse(line.receivedAt) - Date.parse(line.at) > lateAfterMs;
  const part = line.placeId === "" ? undefined : place.children.find(({ id }) => id === line.placeId);
  const remarks = [
    line.clockUnsure ? t.live.clockUnsure : late ? t.live.late : null,
    line.afterRevocation ? t.live.afterRevocation : null,
    line.estimated ? t.live.estimated : null,
  ].filter((remark) => remark !== null);
  return (
    <li class={`line ${line.direction}`}>
      <span class="direction">
        <span aria-hidden="true">{line.direction === "in" ? "→" : "←"}</span> {t.live[line.direction]}
      </span>
      <span class="person">
        <span class="name">{line.name ? <Outside text={line.name} /> : t.live.noName}</span>
        <span class="number">
          {line.number}
          {line.birth ? ` · ${fill(t.live.born, { date: line.birth })}` : ""}
        </span>
      </span>
      <span class="source">
        <span>{t.kinds[line.kind] ?? line.kind}</span>
        <span>
          <Outside text={part ? `${part.name} · ${line.reader}` : line.reader} />
        </span>
      </span>
      <span class="when">
        <time dateTime={line.at}>{clockTime(line.at)}</time>
        {remarks.map((remark) => (
          <small key={remark}>{remark}</small>
        ))}
      </span>
    </li>
  );
}

function sentenceFor(state: Connection): string {
  const t = texts.value.live;
  switch (state.kind) {
    case "live":
      return t.live;
    case "connecting":
      return t.connecting;
    case "polling":
      return t.polling;
    case "no-rights":
      return t.rightsEnded;
    case "masked-only":
      return t.maskedOnly[state.reason] ?? texts.value.problems.masked_only ?? "";
    case "offline":
      return fill(t.offline, { time: clockTime(state.since) });
  }
}
