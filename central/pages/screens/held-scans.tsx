import { useSignal } from "@preact/signals";
import { Confirm } from "../components/dialog.tsx";
import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { DoneLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { dateTime } from "../i18n/time.ts";
import { useLoaded } from "../load.ts";
import { ask, placeUrl, post } from "../service.ts";
import type { HeldScan, HeldScansPage } from "../wire.ts";
import type { PlaceProps } from "./place-page.tsx";

/** Scans made after a right had ended: in no list until the owner has decided. */
export function HeldScans({ place }: PlaceProps) {
  const t = texts.value;
  const held = useLoaded(() => ask<HeldScansPage>(placeUrl(place.id, "/held-scans?limit=100")), place.id);
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const step = useSignal<"accept" | "discard" | null>(null);
  const done = useSignal("");
  const shown = (held.value?.items ?? []).filter(({ entry_id }) => chosen.value.has(entry_id));
  const choose = (scans: readonly HeldScan[], wanted: boolean) => {
    const next = new Set(chosen.value);
    for (const { entry_id } of scans) {
      if (wanted) next.add(entry_id);
      else next.delete(entry_id);
    }
    chosen.value = next;
  };
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.held}</h1>
      </header>
      <p class="quiet">{t.held.hint}</p>
      <DoneLine text={done.value} />
      <LoadedView loaded={held}>
        {({ items, total }) =>
          items.length === 0 ? (
            <p class="empty">{t.held.none}</p>
          ) : (
            <>
              <p>{fill(t.held.total, { n: total })}</p>
              <ul class="rows">
                <li>
                  <label class="tick-line">
                    <input
                      type="checkbox"
                      checked={shown.length === items.length}
                      onChange={(event) => choose(items, event.currentTarget.checked)}
                    />
                    {fill(t.held.selectAll, { n: items.length })}
                  </label>
                </li>
                {items.map((scan) => (
                  <li key={scan.entry_id}>
                    <label class="tick-line">
                      <input
                        type="checkbox"
                        checked={chosen.value.has(scan.entry_id)}
                        onChange={(event) => choose([scan], event.currentTarget.checked)}
                      />
                      <span class="who">
                        <strong>
                          <Outside text={scan.subject.name_masked ?? t.live.noName} />
                        </strong>
                        <small class="digits">
                          {`${scan.subject.number_masked ?? ""} · ${t.kinds[scan.subject.code_kind] ?? scan.subject.code_kind}`}
                        </small>
                      </span>
                    </label>
                    <span class="who">
                      <span class="digits">{`${t.live[scan.direction]} · ${dateTime(scan.at)}`}</span>
                      <small>
                        {t.held.because[scan.because]}
                        {scan.staff_name ? <Outside text={` · ${fill(t.held.by, { name: scan.staff_name })}`} /> : null}
                      </small>
                    </span>
                  </li>
                ))}
              </ul>
              <div class="buttons wide">
                <button
                  type="button"
                  class="primary"
                  disabled={shown.length === 0}
                  onClick={() => (step.value = "accept")}
                >
                  {fill(t.held.accept, { n: shown.length })}
                </button>
                <button
                  type="button"
                  class="danger"
                  disabled={shown.length === 0}
                  onClick={() => (step.value = "discard")}
                >
                  {fill(t.held.discard, { n: shown.length })}
                </button>
              </div>
            </>
          )
        }
      </LoadedView>
      {step.value === null ? null : (
        <Confirm
          title={fill(t.held[step.value], { n: shown.length })}
          action={fill(t.held[step.value], { n: shown.length })}
          danger={step.value === "discard"}
          withReason
          close={() => (step.value = null)}
          work={async (reason) => {
            const { changed } = await post<{ changed: number }>(placeUrl(place.id, `/held-scans:${step.value}`), {
              entry_ids: shown.map(({ entry_id }) => entry_id),
              reason,
            });
            done.value = fill(t.held.done, { n: changed });
            chosen.value = new Set();
            await held.reload();
          }}
        />
      )}
    </>
  );
}
