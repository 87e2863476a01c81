import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { DutyView, KioskView } from "../../agent/kiosk-port/view.ts";
import { useStation } from "../station.ts";
import { ChoosePinStep } from "./choose-pin-step.tsx";
import { CodeStep, PhoneStep } from "./code-steps.tsx";
import { Panel } from "./panel.tsx";
import { PinStep } from "./pin-step.tsx";
import { StaffList } from "./staff-list.tsx";

/**
 * Signing in and shift change: a name and its PIN, or a phone number and the six-digit code sent to it. Which of them is
 * drawn is the agent's `DutyView`; the panel closes when somebody has come on duty.
 */
export function SignInPanel({ onClose }: { readonly onClose: () => void }) {
  const { received, texts, send } = useStation();
  const view = received.value?.view;
  const byPhone = useSignal(false);
  const begun = useRef(standing(view));
  const hadChoice = useRef(false);
  const duty = view?.duty;
  const choosing = duty?.state === "signed-in" && duty.pinChoice !== null;
  if (choosing) hadChoice.current = true;
  const isDone = duty?.state === "signed-in" && !choosing && (hadChoice.current || standing(view) !== begun.current);

  useEffect(() => {
    if (isDone) onClose();
  }, [isDone]);

  if (!view || !duty || isDone) return null;
  const close = () => {
    // A PIN pad left open is nobody's; a code that was sent may still be typed.
    if (duty.state === "pin" || choosing || (duty.state === "none" && duty.message)) send({ kind: "cancel-sign-in" });
    onClose();
  };
  const title = choosing
    ? texts.value.choosePinTitle
    : view.staff.onDuty
      ? texts.value.shiftTitle
      : texts.value.signInTitle;
  return (
    <Panel title={title} onClose={close}>
      <Step view={view} duty={duty} byPhone={byPhone.value} onByPhone={(chosen) => (byPhone.value = chosen)} />
    </Panel>
  );
}

/** Who is on duty, as far as a change of it ends the panel. */
const standing = (view: KioskView | undefined): string => {
  const onDuty = view?.staff.onDuty;
  return onDuty ? `${onDuty.id} ${onDuty.sinceMs} ${onDuty.expired}` : "nobody";
};

interface StepProps {
  readonly view: KioskView;
  readonly duty: DutyView;
  readonly byPhone: boolean;
  readonly onByPhone: (chosen: boolean) => void;
}

function Step({ view, duty, byPhone, onByPhone }: StepProps) {
  const { texts, send } = useStation();
  switch (duty.state) {
    case "pin":
      return <PinStep key={duty.staffId} duty={duty} />;
    case "code-sent":
    case "verifying":
      return <CodeStep key="code" duty={duty} />;
    case "signed-in":
      if (duty.pinChoice !== null) return <ChoosePinStep key="choose" message={duty.pinChoice.message} />;
      break;
    case "none":
    case "sending":
      break;
  }
  if (view.staff.known.length > 0 && !byPhone && duty.state !== "sending") {
    return (
      <StaffList
        staff={view.staff}
        message={duty.state === "none" ? duty.message : null}
        onByPhone={() => onByPhone(true)}
      />
    );
  }
  return (
    <>
      <PhoneStep key="phone" duty={duty} />
      {view.staff.known.length > 0 && duty.state !== "sending" && (
        <button
          type="button"
          class="wide"
          onClick={() => {
            send({ kind: "cancel-sign-in" });
            onByPhone(false);
          }}
        >
          {texts.value.backToNames}
        </button>
      )}
      <p class="panel-why">{texts.value.signInWhy}</p>
    </>
  );
}
