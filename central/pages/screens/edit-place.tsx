import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { problemOf } from "../api.ts";
import { useFaultFocus } from "../components/fault-focus.ts";
import { Outside } from "../components/outside-text.tsx";
import { PlaceFields, PolicyFields, PrivacyFields } from "../components/place-fields.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import type { Texts } from "../i18n/vi.ts";
import { useAttempt } from "../load.ts";
import { carriedOver, changeOf, type Draft, type DraftField, differing, draftOf } from "../place-draft.ts";
import { ask, keepPlace, loadPlace, placeUrl } from "../service.ts";
import type { Place, PlaceDetail } from "../wire.ts";
import type { PlaceProps } from "./place-page.tsx";

/** Somebody else was faster: what they made of the place, and in which fields both of us wrote. */
interface Conflict {
  readonly theirs: PlaceDetail;
  readonly disputed: readonly DraftField[];
}

/** Changes a place: what it is (`edit`) or how it treats what it records (`settings`). */
export function EditPlace({ place, loaded, part }: PlaceProps & { readonly part: "edit" | "settings" }) {
  const t = texts.value;
  /** The state of the place that the draft began with, and its version. */
  const begun = useSignal({ version: place.version, draft: draftOf(place) });
  const draft = useSignal(begun.value.draft);
  const conflict = useSignal<Conflict | null>(null);
  const saved = useSignal(false);
  const attempt = useAttempt();
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, attempt.problem);
  const changed = differing(begun.value.draft, draft.value).length > 0;

  const change = (changes: Partial<Draft>, pointer = "") => {
    if (pointer !== "") attempt.mended(pointer);
    saved.value = false;
    draft.value = { ...draft.value, ...changes };
  };
  const begin = (from: PlaceDetail, with_ = draftOf(from)) => {
    begun.value = { version: from.version, draft: draftOf(from) };
    draft.value = with_;
  };
  const save = () =>
    attempt.run(async () => {
      saved.value = false;
      try {
        const after = await ask<Place>(placeUrl(place.id), {
          method: "PATCH",
          body: changeOf(begun.value.draft, draft.value, place.parent_id !== null),
          ifMatch: begun.value.version,
        });
        keepPlace(after);
        const fresh = await loadPlace(place.id);
        loaded.take(fresh);
        begin(fresh);
        conflict.value = null;
        saved.value = true;
      } catch (error) {
        if (problemOf(error).problem !== "version_changed") throw error;
        const theirs = await loadPlace(place.id);
        const over = carriedOver(begun.value.draft, draft.value, draftOf(theirs));
        conflict.value = { theirs, disputed: over.disputed };
        begin(theirs, over.draft);
      }
    });

  const props = { draft: draft.value, change, problem: attempt.problem };
  const known = place.kind !== draft.value.kind && (place.kind_status === "approved" || place.full_view);
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu[part]}</h1>
        {part === "settings" ? (
          <span class="tag">{fill(t.place.noticeVersion, { n: place.notice.version })}</span>
        ) : null}
      </header>
      <form
        ref={form}
        class="card"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {part === "edit" ? (
          <PlaceFields
            // A unit taken over from somebody else must show in its field.
            key={begun.value.version}
            {...props}
            parentName={place.parents[0]?.name ?? null}
          />
        ) : (
          <>
            <PrivacyFields {...props} noticeHint={undefined} />
            <PolicyFields {...props} />
          </>
        )}
        {known ? <p class="note warn">{t.place.kindFalls}</p> : null}
        {conflict.value ? (
          <ConflictView
            conflict={conflict.value}
            mine={draft.value}
            takeTheirs={() => {
              if (conflict.value) begin(conflict.value.theirs);
              conflict.value = null;
            }}
          />
        ) : null}
        <ProblemLine problem={attempt.problem} />
        <DoneLine text={saved.value ? t.common.saved : ""} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={attempt.busy || !changed}>
            {attempt.busy ? t.common.busy : conflict.value ? t.place.changedKeepMine : t.common.save}
          </button>
        </div>
      </form>
    </>
  );
}

/** Both versions of each field that two people changed, side by side. */
function ConflictView({
  conflict,
  mine,
  takeTheirs,
}: {
  readonly conflict: Conflict;
  readonly mine: Draft;
  readonly takeTheirs: () => void;
}) {
  const t = texts.value;
  const theirs = draftOf(conflict.theirs);
  return (
    <div class="note warn" role="alert">
      <p>{conflict.disputed.length > 0 ? t.place.changedElsewhere : t.place.changedNothing}</p>
      {conflict.disputed.length > 0 ? (
        <table class="both">
          <thead>
            <tr>
              <th scope="col">{t.place.changedField}</th>
              <th scope="col">{t.place.changedMine}</th>
              <th scope="col">{t.place.changedTheirs}</th>
            </tr>
          </thead>
          <tbody>
            {conflict.disputed.map((field) => (
              <tr key={field}>
                <th scope="row">{fieldName(field, t)}</th>
                <td>
                  <Outside text={fieldValue(mine, field, t)} />
                </td>
                <td>
                  <Outside text={fieldValue(theirs, field, t)} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <div class="buttons">
        <button type="button" onClick={takeTheirs}>
          {t.place.changedTakeTheirs}
        </button>
      </div>
    </div>
  );
}

function fieldName(field: DraftField, t: Texts): string {
  const names: Record<DraftField, string> = {
    name: t.place.name,
    kind: t.place.kind,
    phone: t.place.phone,
    inherits: t.place.address,
    unit: t.place.unit,
    line: t.place.line,
    partType: t.place.part,
    partLabel: t.place.partLabel,
    legalBasis: t.place.legalBasis,
    retention: t.place.retention,
    noticeVi: t.place.noticeVi,
    noticeEn: t.place.noticeEn,
    lateScans: t.settings.lateScans,
    recordWhenExpired: t.settings.expired,
    rescan: t.settings.rescan,
  };
  return names[field];
}

function fieldValue(draft: Draft, field: DraftField, t: Texts): string {
  switch (field) {
    case "unit":
      return draft.unit ? `${draft.unit.name}, ${draft.unit.provinceName}` : "";
    case "inherits":
    case "recordWhenExpired":
      return draft[field] ? t.common.yes : t.common.no;
    case "legalBasis":
      return t.place.legal[draft.legalBasis] ?? draft.legalBasis;
    case "lateScans":
      return t.settings.late[draft.lateScans] ?? draft.lateScans;
    case "partType":
      return t.part[draft.partType] ?? draft.partType;
    default:
      return draft[field];
  }
}
