import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { CallProblem } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { useFaultFocus } from "../components/fault-focus.ts";
import { Tick } from "../components/field.tsx";
import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { PlaceFields, PrivacyFields } from "../components/place-fields.tsx";
import { ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { useAttempt, useLoaded } from "../load.ts";
import { type Draft, emptyDraft, newPlaceOf } from "../place-draft.ts";
import { go, placePath } from "../route.ts";
import { keepPlace, loadPlace, post } from "../service.ts";
import type { Place } from "../wire.ts";

/** Registers a place, or a part of one. */
export function Register({ parentId }: { readonly parentId: string | null }) {
  const parent = useLoaded(async () => (parentId === null ? "none" : await loadPlace(parentId)), parentId ?? "");
  return (
    <div class="narrow">
      <LoadedView loaded={parent}>
        {(above) => (
          <RegisterForm
            parent={above === "none" ? null : above}
            begin={
              above === "none"
                ? emptyDraft
                : {
                    ...emptyDraft,
                    inherits: true,
                    kind: above.kind,
                    phone: above.phone ?? "",
                    legalBasis: above.legal_basis,
                  }
            }
          />
        )}
      </LoadedView>
    </div>
  );
}

function RegisterForm({ parent, begin }: { readonly parent: Place | null; readonly begin: Draft }) {
  const t = texts.value;
  // Made once: when an answer is lost, sending again registers no second place.
  const id = useSignal(crypto.randomUUID());
  const draft = useSignal(begin);
  const agreed = useSignal(false);
  const alike = useSignal<CallProblem | null>(null);
  const attempt = useAttempt();
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, attempt.problem);

  const change = (changed: Partial<Draft>, pointer = "") => {
    if (pointer !== "") attempt.mended(pointer);
    draft.value = { ...draft.value, ...changed };
  };
  const register = (confirmed: boolean) =>
    attempt.run(async () => {
      alike.value = null;
      const errors = [
        ...(draft.value.kind === "" ? [{ pointer: "/kind", code: "missing" }] : []),
        ...(!draft.value.inherits && draft.value.unit === null ? [{ pointer: "/address", code: "missing" }] : []),
        ...(draft.value.name.trim() === "" ? [{ pointer: "/name", code: "missing" }] : []),
      ];
      if (errors.length > 0) throw new CallProblem("validation", { errors });
      try {
        const made = await post<Place>(
          "/v1/checkpoints",
          newPlaceOf(draft.value, id.value, parent?.id ?? null, confirmed),
        );
        keepPlace(made);
        go(placePath(made.id));
      } catch (error) {
        if (!(error instanceof CallProblem)) throw error;
        // Refused for good under this id: what was sent is taken down with other content.
        if (error.problem === "id_conflict") id.value = crypto.randomUUID();
        if (error.problem !== "looks_like_existing") throw error;
        alike.value = error;
      }
    });

  return (
    <form
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (agreed.value) void register(false);
      }}
    >
      <h1 tabIndex={-1}>{parent ? fill(t.place.registerSub, { name: parent.name }) : t.place.registerTitle}</h1>
      <PlaceFields draft={draft.value} change={change} problem={attempt.problem} parentName={parent?.name ?? null} />
      <PrivacyFields
        draft={draft.value}
        change={change}
        problem={attempt.problem}
        noticeHint={`${t.place.noticeHint} ${t.place.noticeEmpty}`}
      />
      <p class="note warn">{t.place.warning}</p>
      <Tick label={t.place.warningAgree} checked={agreed.value} change={(value) => (agreed.value = value)} />
      <ProblemLine problem={attempt.problem} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={attempt.busy || !agreed.value}>
          {attempt.busy ? t.common.busy : t.place.register}
        </button>
        <a class="button" href={parent ? placePath(parent.id) : "#/"}>
          {t.common.cancel}
        </a>
      </div>
      {alike.value ? (
        <Dialog title={t.place.looksLike} close={() => (alike.value = null)}>
          <ul class="rows">
            {alike.value.candidates.map((candidate, index) => (
              <li key={candidate.id || index}>
                <span class="who">
                  <strong>
                    <Outside text={candidate.name} />
                  </strong>
                  <small>
                    <Outside text={candidate.detail} />
                  </small>
                </span>
              </li>
            ))}
          </ul>
          <p>{t.place.looksLikeAsk}</p>
          <div class="buttons">
            <button type="button" onClick={() => (alike.value = null)}>
              {t.place.looksLikeNo}
            </button>
            <button type="button" class="primary" disabled={attempt.busy} onClick={() => void register(true)}>
              {t.place.looksLikeYes}
            </button>
          </div>
        </Dialog>
      ) : null}
    </form>
  );
}
