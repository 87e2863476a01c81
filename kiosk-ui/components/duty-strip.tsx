import type { KioskView } from "../../agent/kiosk-port/view.ts";
import type { PanelName } from "../app.tsx";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";
import { visibleText } from "../visible-text.ts";

/** Who is on duty in one line; an ended session is said as loudly as nobody being there. */
export function dutyText({ duty, staff: { onDuty } }: Pick<KioskView, "duty" | "staff">, texts: Texts): string {
  if (onDuty === null) return duty.state === "none" ? texts.dutyNobody : texts.dutyInProgress;
  return onDuty.expired ? texts.dutyExpired : texts.dutySignedIn(visibleText(onDuty.name ?? onDuty.phoneMasked));
}

/** The staff member on duty and the two doors for staff: the sign-in panel and the staff panel. */
export function DutyStrip({ onOpen }: { readonly onOpen: (panel: PanelName) => void }) {
  const { received, texts } = useStation();
  const view = received.value?.view;
  if (!view) return <div class="duty" />;
  const { onDuty } = view.staff;
  const isServed = onDuty !== null && !onDuty.expired;
  return (
    <section class="duty" aria-label={texts.value.dutyLabel}>
      {/* Where nobody is recorded nobody is on duty: the owner's approval comes first. */}
      {view.enrolment.records && (
        <>
          <p class="duty-text" data-tone={isServed ? "calm" : "warn"}>
            {dutyText(view, texts.value)}
          </p>
          <button type="button" class={isServed ? undefined : "primary"} onClick={() => onOpen("sign-in")}>
            {isServed ? texts.value.changeShift : onDuty ? texts.value.signInAgain : texts.value.signIn}
          </button>
        </>
      )}
      <button type="button" onClick={() => onOpen("staff")}>
        {texts.value.staff}
      </button>
    </section>
  );
}
