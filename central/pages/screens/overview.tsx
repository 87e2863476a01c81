import { useSignal } from "@preact/signals";
import { Confirm } from "../components/dialog.tsx";
import { SelectField } from "../components/field.tsx";
import { Outside } from "../components/outside-text.tsx";
import { StateTag } from "../components/state-tag.tsx";
import { fill, language, texts } from "../i18n/texts.ts";
import { dateTime } from "../i18n/time.ts";
import { useLoaded } from "../load.ts";
import { placePath } from "../route.ts";
import { keepPlace, loadKinds, loadPlaces, places, placeUrl, post } from "../service.ts";
import type { Place, PlaceDetail } from "../wire.ts";
import type { PlaceProps } from "./place-page.tsx";

type Step = "suspend" | "resume" | "close" | "merge";

/** What a place is, its parts, and what its owner may make of it. */
export function Overview({ place, loaded }: PlaceProps) {
  const t = texts.value;
  const owner = place.role === "owner";
  const ended = place.state === "closed" || place.state === "merged";
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.overview}</h1>
        <StateTag state={place.state} />
      </header>
      {place.state === "active" ? null : <StateNote place={place} />}
      <div class="card">
        <Facts place={place} />
        {owner && !ended ? (
          <div class="buttons">
            <a class="button" href={placePath(place.id, "edit")}>
              {t.menu.edit}
            </a>
          </div>
        ) : null}
      </div>
      {place.children.length > 0 ? (
        <section class="sheet">
          <h2>{t.place.parts}</h2>
          <ul class="places">
            {place.children.map((part) => (
              <li key={part.id}>
                <a href={placePath(part.id)}>
                  <span class="who">
                    <strong>
                      <Outside text={part.name} />
                    </strong>
                    <small>{part.part ? `${t.part[part.part.type]}: ${part.part.label}` : ""}</small>
                  </span>
                  <StateTag state={part.state} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {owner && !ended ? (
        <>
          {place.parents.length < 3 ? (
            <div class="buttons">
              <a class="button" href={`#/register/${place.id}`}>
                {t.place.addPart}
              </a>
            </div>
          ) : null}
          <Manage place={place} reload={loaded.reload} />
        </>
      ) : null}
    </>
  );
}

function StateNote({ place }: { readonly place: PlaceDetail }) {
  const t = texts.value;
  return (
    <div class={`note ${place.state === "closed" ? "alert" : "warn"}`}>
      <p>
        <strong>{t.state[place.state]}</strong>{" "}
        {place.state_since === null ? "" : fill(t.place.stateSince, { time: dateTime(place.state_since) })}
      </p>
      {place.state_reason ? (
        <p>
          <Outside text={fill(t.place.stateReason, { reason: place.state_reason })} />
        </p>
      ) : null}
      {place.successor_id ? (
        <p>
          <a href={placePath(place.successor_id)}>{t.place.successor}</a>
        </p>
      ) : null}
    </div>
  );
}

function Facts({ place }: { readonly place: PlaceDetail }) {
  const t = texts.value;
  const kinds = useLoaded(loadKinds, "kinds");
  const kind = kinds.value?.find(({ code }) => code === place.kind);
  const { address } = place;
  const where = [
    address.line,
    address.commune_name ?? address.commune_code,
    address.province_name ?? address.province_code,
  ];
  const refused = place.kind_decision?.decision === "refuse" ? place.kind_decision : null;
  return (
    <dl class="facts">
      {place.parents[0] ? (
        <div>
          <dt>{t.place.parent}</dt>
          <dd>
            <a href={placePath(place.parents[0].id)}>
              <Outside text={place.parents[0].name} />
            </a>
            {place.part ? <small> · {`${t.part[place.part.type]}: ${place.part.label}`}</small> : null}
          </dd>
        </div>
      ) : null}
      <div>
        <dt>{t.place.kind}</dt>
        <dd>
          {kind?.names[language.value] ?? place.kind}
          {kind?.full_view_possible ? (
            <small>
              {" "}
              ·{" "}
              {refused
                ? fill(t.place.kindRefused, { reference: refused.reference })
                : t.place.kindStatus[place.kind_status]}
            </small>
          ) : null}
        </dd>
      </div>
      <div>
        <dt>{t.place.address}</dt>
        <dd>
          <Outside text={where.filter(Boolean).join(", ")} />
        </dd>
      </div>
      {place.phone === null ? null : (
        <div>
          <dt>{t.place.phoneShort}</dt>
          <dd class="digits">{place.phone}</dd>
        </div>
      )}
      <div>
        <dt>{t.place.legalBasis}</dt>
        <dd>{t.place.legal[place.legal_basis]}</dd>
      </div>
      <div>
        <dt>{t.place.retention}</dt>
        <dd>{place.retention_days}</dd>
      </div>
      {place.created_at === null ? null : (
        <div>
          <dt>{t.place.createdAt}</dt>
          <dd>{dateTime(place.created_at)}</dd>
        </div>
      )}
      {place.merged_from.length > 0 ? (
        <div>
          <dt>{t.place.mergedFrom}</dt>
          <dd>
            <Outside text={place.merged_from.map(({ name }) => name).join(", ")} />
          </dd>
        </div>
      ) : null}
    </dl>
  );
}

/** Suspending, resuming, merging and closing; each asks for a reason. */
function Manage({ place, reload }: { readonly place: PlaceDetail; readonly reload: () => Promise<void> }) {
  const t = texts.value;
  const asked = useSignal<Step | null>(null);
  const into = useSignal("");
  const others = (places.value ?? []).filter(
    ({ id, role, state }) => id !== place.id && role === "owner" && (state === "active" || state === "suspended"),
  );
  const words: Record<Step, readonly [action: string, hint: string]> = {
    suspend: [t.place.suspend, t.place.suspendHint],
    resume: [t.place.resume, t.place.resumeHint],
    close: [t.place.closePlace, t.place.closeHint],
    merge: [t.place.merge, t.place.mergeHint],
  };
  const ask = (step: Step) => {
    into.value = others[0]?.id ?? "";
    if (step === "merge" && places.peek() === null) void loadPlaces().catch(() => undefined);
    asked.value = step;
  };
  const steps: readonly Step[] =
    place.state === "suspended" ? ["resume", "merge", "close"] : ["suspend", "merge", "close"];
  const step = asked.value;
  return (
    <section class="sheet">
      <h2>{t.place.manage}</h2>
      <div class="buttons">
        {steps.map((each) => (
          <button key={each} type="button" class={each === "close" ? "danger" : ""} onClick={() => ask(each)}>
            {words[each][0]}
          </button>
        ))}
      </div>
      {step === null ? null : step === "merge" && others.length === 0 ? (
        <p class="note warn" role="alert">
          {t.place.mergeNone}
        </p>
      ) : (
        <Confirm
          title={words[step][0]}
          hint={words[step][1]}
          action={words[step][0]}
          danger={step === "close" || step === "merge"}
          withReason
          close={() => (asked.value = null)}
          work={async (reason) => {
            keepPlace(
              await post<Place>(
                placeUrl(place.id, `:${step}`),
                step === "merge" ? { into: into.value || others[0]?.id, reason } : { reason },
              ),
            );
            await reload();
          }}
        >
          {step === "merge" ? (
            <SelectField
              label={t.place.mergeInto}
              value={into.value || (others[0]?.id ?? "")}
              change={(value) => (into.value = value)}
              options={others.map(({ id, name }) => [id, name] as const)}
            />
          ) : null}
        </Confirm>
      )}
    </section>
  );
}
