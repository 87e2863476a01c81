import type { EnrolmentView } from "../../agent/kiosk-port/view.ts";
import { Complaint, Shown } from "../components/shown.tsx";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";

/** Whether the machine's enrolment is what this screen is for now: nobody can be recorded, or the owner is looking. */
export function showsEnrolment({ state, records }: EnrolmentView): boolean {
  return state === "asking" || state === "waiting" || !records;
}

/** How this machine gets to its place: what the owner does, the code, and the key both screens show. */
export function EnrolmentScreen({ enrolment }: { readonly enrolment: EnrolmentView }) {
  const { texts, send } = useStation();
  const symbol = enrolment.state === "waiting" ? enrolment.symbol : null;
  return (
    <div class="test enrolment">
      {symbol && (
        <svg
          class="test-symbol"
          viewBox={`0 0 ${symbol.side} ${symbol.side}`}
          shape-rendering="crispEdges"
          role="img"
          aria-label={texts.value.enrolSymbol}
        >
          <path d={symbol.path} />
        </svg>
      )}
      <div class="test-words">
        <h2>{enrolmentTitle(enrolment, texts.value)}</h2>
        {(enrolment.state === "none" || enrolment.state === "revoked") && (
          <>
            {enrolment.state === "revoked" && <p>{texts.value.enrolRemovedNote}</p>}
            <ol class="enrol-steps">
              <li>{texts.value.enrolStepInvite}</li>
              <li>{texts.value.enrolStepScan}</li>
              <li>{texts.value.enrolStepCompare}</li>
            </ol>
          </>
        )}
        {enrolment.state === "asking" && <p role="status">{texts.value.enrolAsking}</p>}
        {enrolment.state === "waiting" && (
          <>
            {enrolment.placeName !== null && (
              <p class="enrol-place">
                <Shown text={enrolment.placeName} longest={60} />
              </p>
            )}
            <p>{texts.value.enrolOwner}</p>
            <p class="enrol-code">{enrolment.userCode}</p>
          </>
        )}
        {enrolment.message && <Complaint sentence={enrolment.message} />}
        <dl class="enrol-facts">
          <div>
            <dt>{texts.value.enrolKey}</dt>
            <dd>{enrolment.fingerprint}</dd>
          </div>
          {enrolment.centre !== null && (
            <div>
              <dt>{texts.value.enrolCentre}</dt>
              <dd>
                <Shown text={enrolment.centre} longest={60} />
              </dd>
            </div>
          )}
        </dl>
        <div class="test-actions">
          {(enrolment.state === "none" || enrolment.state === "revoked") && enrolment.centre !== null && (
            <button type="button" class="primary" onClick={() => send({ kind: "enrol" })}>
              {texts.value.enrolAsk}
            </button>
          )}
          {(enrolment.state === "asking" || enrolment.state === "waiting") && (
            <button type="button" onClick={() => send({ kind: "cancel-enrolment" })}>
              {texts.value.enrolCancel}
            </button>
          )}
        </div>
      </div>
    </div>
  );
}

/** What this screen says in one line, and a screen reader of it. */
export function enrolmentTitle({ state }: EnrolmentView, texts: Texts): string {
  switch (state) {
    case "waiting":
      return texts.enrolWaitingTitle;
    case "revoked":
      return texts.enrolRemoved;
    default:
      return texts.enrolTitle;
  }
}
