import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DutyView } from "../../agent/kiosk-port/view.ts";
import { useStation } from "../station.ts";
import { visibleText } from "../visible-text.ts";
import { NumberEntry } from "./number-entry.tsx";
import { Complaint } from "./shown.tsx";

const phonePattern = /^0\d{9}$/;
const codePattern = /^\d{6}$/;

type PhoneDuty = Extract<DutyView, { state: "none" | "signed-in" | "sending" }>;

/** The phone number that the code is sent to. */
export function PhoneStep({ duty }: { readonly duty: PhoneDuty }) {
  const { texts, send } = useStation();
  const phone = useSignal("");
  const complained = useSignal(false);
  // Asked when it matters: typed digits and the Enter behind them may come at once, before anything is drawn again.
  const isValid = () => phonePattern.test(phone.value);
  const sending = duty.state === "sending";
  return (
    <NumberEntry
      label={texts.value.phoneLabel}
      hint={texts.value.phoneHint}
      digits={phone}
      longest={10}
      submitText={texts.value.sendCode}
      complaint={complained.value && !isValid() ? texts.value.phoneInvalid : null}
      disabled={sending}
      message={phoneMessage(duty, texts.value.sendingCode)}
      onSubmit={() => {
        complained.value = !isValid();
        if (isValid()) send({ kind: "sign-in", phone: phone.value });
      }}
    />
  );
}

function phoneMessage(duty: PhoneDuty, sendingText: (phone: string) => string) {
  if (duty.state === "sending") return <p>{sendingText(visibleText(duty.phoneMasked))}</p>;
  if (duty.state === "signed-in" || !duty.message) return null;
  return <Complaint sentence={duty.message} />;
}

/** The code that was sent. */
export function CodeStep({ duty }: { readonly duty: Extract<DutyView, { state: "code-sent" | "verifying" }> }) {
  const { received, texts, send, nowMs } = useStation();
  const code = useSignal("");
  const complained = useSignal(false);
  const isValid = () => codePattern.test(code.value);
  const verifying = duty.state === "verifying";
  const sinceReceivedS = (nowMs.value - (received.value?.receivedAtMs ?? 0)) / 1_000;
  const resendInS = verifying ? 0 : Math.max(0, Math.ceil(duty.resendAfterS - Math.max(0, sinceReceivedS)));

  // A refused code is not worth keeping: the next one is typed into an empty field.
  useEffect(() => {
    if (!verifying) code.value = "";
  }, [verifying]);

  return (
    <>
      <p class="panel-lead">{texts.value.codeSentTo(visibleText(duty.phoneMasked))}</p>
      <NumberEntry
        label={texts.value.codeLabel}
        digits={code}
        longest={6}
        submitText={verifying ? texts.value.verifyingCode : texts.value.confirmCode}
        complaint={complained.value && !isValid() ? texts.value.codeInvalid : null}
        disabled={verifying}
        message={duty.state === "code-sent" && duty.message ? <Complaint sentence={duty.message} /> : null}
        onSubmit={() => {
          complained.value = !isValid();
          if (isValid()) send({ kind: "verify", code: code.value });
        }}
      >
        <div class="panel-actions">
          {/* Going back to the phone number is how another code is asked for: the page never keeps the number itself. */}
          <button type="button" disabled={verifying || resendInS > 0} onClick={() => send({ kind: "cancel-sign-in" })}>
            {resendInS > 0 ? texts.value.resendIn(resendInS) : texts.value.resend}
          </button>
          <button type="button" onClick={() => send({ kind: "cancel-sign-in" })}>
            {texts.value.cancel}
          </button>
        </div>
      </NumberEntry>
    </>
  );
}
