import type { EnrolmentView } from "../../agent/kiosk-port/view.ts";
import { Complaint, Shown } from "../components/shown.tsx";
import { useStation } from "../station.ts";

/** Whether the machine's enrolment is what this screen is for now: nobody can be recorded, or the owner is looking. */
export function showsEnrolment(enrolment: EnrolmentView): boolean {
  return (
    enrolment.state === "asking" || enrolment.state === "waiting" || (enrolment.state === "none" && !enrolment.records)
  );
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
        <h2>{enrolment.state === "waiting" ? texts.value.enrolWaitingTitle : texts.value.enrolTitle}</h2>
        {enrolment.state === "none" && <p>{texts.value.enrolHow}</p>}
        {enrolment.state === "asking" && <p role="status">{texts.value.enrolAsking}</p>}
        {enrolment.state === "waiting" && (
          <>
            {enrolment.placeName !== null && (
              <p class="enrol-place">
                <Shown text={enrolment.placeName} longest={120} />
              </p>
            )}
            <p>{texts.value.enrolOwner}</p>
            <p class="enrol-code">{enrolment.userCode}</p>
          </>
        )}
        {enrolment.message && <Complaint sentence={enrolment.message} />}
        <dl class="enrol-facts">
          <dt>{texts.value.enrolKey}</dt>
          <dd>{enrolment.fingerprint}</dd>
          {enrolment.centre !== null && (
            <>
              <dt>{texts.value.enrolCentre}</dt>
              <dd>
                <Shown text={enrolment.centre} longest={120} />
              </dd>
            </>
          )}
        </dl>
        <div class="test-buttons">
          {enrolment.state === "none" && enrolment.centre !== null && (
            <button type="button" class="primary" onClick={() => send({ kind: "enrol" })}>
              {texts.value.enrolAsk}
            </button>
          )}
          {enrolment.state !== "none" && (
            <button type="button" onClick={() => send({ kind: "cancel-enrolment" })}>
              {texts.value.enrolCancel}
            </button>
          )}
        </div>
      </div>
    </div>
  );
}
