import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { DutyView } from "../../agent/kiosk-port/view.ts";
import { useStation } from "../station.ts";
import { visibleText } from "../visible-text.ts";
import { NumberEntry } from "./number-entry.tsx";
import { Complaint } from "./shown.tsx";

export const pinPattern = /^\d{4,8}$/;
export const longestPin = 8;

/** The PIN of the name that was chosen. */
export function PinStep({ duty }: { readonly duty: Extract<DutyView, { state: "pin" }> }) {
  const { received, texts, send, nowMs } = useStation();
  const pin = useSignal("");
  const complained = useSignal(false);
  const isValid = () => pinPattern.test(pin.value);
  const sinceReceivedS = Math.max(0, nowMs.value - (received.value?.receivedAtMs ?? 0)) / 1_000;
  const waitS = Math.max(0, Math.ceil(duty.waitS - sinceReceivedS));
  const waits = waitS > 0;

  // A wrong PIN is not worth keeping: the next one is typed into an empty field.
  useEffect(() => {
    if (!duty.checking) pin.value = "";
  }, [duty.checking, duty.message]);

  const submitText = duty.checking
    ? texts.value.pinChecking
    : waits
      ? texts.value.pinWaitFor(waitText(waitS, texts.value))
      : texts.value.pinConfirm;
  return (
    <NumberEntry
      label={texts.value.pinLabel(visibleText(duty.name ?? duty.phoneMasked))}
      hint={texts.value.pinHint}
      digits={pin}
      longest={longestPin}
      submitText={submitText}
      complaint={complained.value && !isValid() && pin.value !== "" ? texts.value.pinInvalid : null}
      disabled={duty.checking || waits}
      secret
      message={duty.message && <Complaint sentence={duty.message} />}
      onSubmit={() => {
        complained.value = !isValid();
        if (isValid()) send({ kind: "pin", pin: pin.value });
      }}
    >
      <button type="button" class="wide" onClick={() => send({ kind: "cancel-sign-in" })}>
        {texts.value.backToNames}
      </button>
    </NumberEntry>
  );
}

/** `45 giây`, `4 phút`: longer waits need no seconds. */
const waitText = (waitS: number, texts: { seconds: (n: number) => string; minutes: (n: number) => string }): string =>
  waitS < 90 ? texts.seconds(waitS) : texts.minutes(Math.ceil(waitS / 60));
