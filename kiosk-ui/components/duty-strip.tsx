import type { DutyView } from "../../agent/kiosk-port/view.ts";
import type { PanelName } from "../app.tsx";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";
import { visibleText } from "../visible-text.ts";

/** Who is on duty in one line; an ended session is said as loudly as nobody being there. */
export function dutyText(duty: DutyView, texts: Texts): string {
  switch (duty.state) {
    case "none":
      return texts.dutyNobody;
    case "sending":
    case "code-sent":
    case "verifying":
      return texts.dutyInProgress;
    case "signed-in":
      return duty.expired ? texts.dutyExpired : texts.dutySignedIn(visibleText(duty.name ?? duty.phoneMasked));
  }
}

/** The staff member on duty and the two doors for staff: the sign-in panel and the staff panel. */
export function DutyStrip({ onOpen }: { readonly onOpen: (panel: PanelName) => void }) {
  const { received, texts } = useStation();
  const duty = received.value?.view.duty;
  if (!duty) return <div class="duty" />;
  const onDuty = duty.state === "signed-in" && !duty.expired;
  return (
    <section class="duty" aria-label={texts.value.dutyLabel}>
      <p class="duty-text" data-tone={onDuty ? "calm" : "warn"}>
        {dutyText(duty, texts.value)}
      </p>
      {!onDuty && (
        <button type="button" class="primary" onClick={() => onOpen("sign-in")}>
          {duty.state === "signed-in" ? texts.value.signInAgain : texts.value.signIn}
        </button>
      )}
      <button type="button" onClick={() => onOpen("staff")}>
        {texts.value.staff}
      </button>
    </section>
  );
}
