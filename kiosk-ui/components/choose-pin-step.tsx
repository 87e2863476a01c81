import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Sentence } from "../../agent/kiosk-port/view.ts";
import { useStation } from "../station.ts";
import { NumberEntry } from "./number-entry.tsx";
import { longestPin, pinPattern } from "./pin-step.tsx";
import { Complaint } from "./shown.tsx";

/** Right after a one-time code: a PIN for the next shifts, typed twice. Whether it will do is the agent's to say. */
export function ChoosePinStep({ message }: { readonly message: Sentence | null }) {
  const { texts, send } = useStation();
  const first = useSignal<string | null>(null);
  const pin = useSignal("");
  const complained = useSignal(false);
  const isValid = () => pinPattern.test(pin.value);
  const isSecond = first.value !== null;

  // Refused: it begins again with an empty first field.
  useEffect(() => {
    first.value = null;
    pin.value = "";
  }, [message]);

  return (
    <>
      <p class="panel-lead panel-lead-optional">{texts.value.choosePinWhy}</p>
      <NumberEntry
        key={isSecond ? "second" : "first"}
        label={isSecond ? texts.value.choosePinAgain : texts.value.choosePinFirst}
        digits={pin}
        longest={longestPin}
        submitText={isSecond ? texts.value.choosePinSave : texts.value.choosePinNext}
        complaint={complained.value && !isValid() && pin.value !== "" ? texts.value.pinInvalid : null}
        secret
        message={message && !isSecond ? <Complaint sentence={message} /> : null}
        onSubmit={() => {
          complained.value = !isValid();
          if (!isValid()) return;
          if (first.value === null) first.value = pin.value;
          else {
            send({ kind: "choose-pin", pin: first.value, again: pin.value });
            first.value = null;
          }
          pin.value = "";
        }}
      >
        <button type="button" class="wide" onClick={() => send({ kind: "cancel-sign-in" })}>
          {texts.value.choosePinLater}
        </button>
      </NumberEntry>
    </>
  );
}
