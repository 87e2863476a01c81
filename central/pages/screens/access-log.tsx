import { useSignal } from "@preact/signals";
import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { dateTime } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { useAttempt, useLoaded } from "../load.ts";
import { ask } from "../service.ts";
import { myRef } from "../session.ts";
import type { AccessRecordsPage } from "../wire.ts";
import type { PlaceProps } from "./place-page.tsx";

type Record_ = AccessRecordsPage["items"][number];

const url = (placeId: string, after: string | null): string =>
  `/v1/access-records?${new URLSearchParams({ checkpoint_id: placeId, limit: "50", ...(after === null ? {} : { after }) })}`;

/** Who looked at or changed what at the place, newest first. */
export function AccessLog({ place }: PlaceProps) {
  const t = texts.value;
  const first = useLoaded(() => ask<AccessRecordsPage>(url(place.id, null)), place.id);
  const older = useSignal<readonly Record_[]>([]);
  const cursor = useSignal<string | null | undefined>(undefined);
  const attempt = useAttempt();
  const more = (after: string) =>
    attempt.run(async () => {
      const page = await ask<AccessRecordsPage>(url(place.id, after));
      older.value = [...older.value, ...page.items];
      cursor.value = page.cursor;
    });
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.access}</h1>
      </header>
      <p class="quiet">{t.access.hint}</p>
      <LoadedView loaded={first}>
        {(page) => {
          const items = [...page.items, ...older.value];
          const after = cursor.value === undefined ? page.cursor : cursor.value;
          return items.length === 0 ? (
            <p class="empty">{t.access.none}</p>
          ) : (
            <>
              <ol class="rows">
                {items.map((record) => (
                  <li key={record.seq}>
                    <span class="who">
                      <strong>{t.access.action[record.action] ?? record.action}</strong>
                      <small>
                        <Outside text={actorText(record, t)} />
                        {record.objects.length > 0 ? ` · ${fill(t.access.objects, { n: record.objects.length })}` : ""}
                      </small>
                      {record.purpose || record.reason ? (
                        <small>
                          <Outside
                            text={[record.purpose ? t.live.purposes[record.purpose] : null, record.reason]
                              .filter(Boolean)
                              .join(" · ")}
                          />
                        </small>
                      ) : null}
                    </span>
                    <span class="digits">{dateTime(record.at)}</span>
                  </li>
                ))}
              </ol>
              <ProblemLine problem={attempt.problem} />
              {after === null ? null : (
                <div class="buttons">
                  <button type="button" disabled={attempt.busy} onClick={() => void more(after)}>
                    {t.common.more}
                  </button>
                </div>
              )}
              <p class="quiet">
                {fill(t.access.head, { seq: page.head.seq, hash: "" })}
                <code>{page.head.hash.slice(0, 16)}</code>
              </p>
            </>
          );
        }}
      </LoadedView>
    </>
  );
}

function actorText({ actor, actor_name }: Record_, t: Texts): string {
  if (actor === myRef.value) return t.access.you;
  if (actor_name !== null && actor_name !== "") return actor_name;
  if (actor === "operator") return t.access.operator;
  return actor === "system" ? t.access.system : actor.slice(0, 8);
}
