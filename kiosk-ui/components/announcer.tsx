import type { ScreenState } from "../../agent/kiosk-port/view.ts";
import { type Language, sentenceIn } from "../i18n/language.ts";
import { clockText } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { enrolmentTitle, showsEnrolment } from "../screens/enrolment.tsx";
import { useStation } from "../station.ts";
import { visibleText } from "../visible-text.ts";

/** What a screen reader says for one screen, without the masked name: dots read aloud help nobody. */
export function announcement(screen: ScreenState, texts: Texts, language: Language): string {
  switch (screen.state) {
    case "starting":
      return texts.startingTitle;
    case "ready":
      return texts.readyTitle;
    case "accepted": {
      const remarks = screen.remarks.map((remark) => sentenceIn(remark, language));
      return [
        `${screen.direction === "in" ? texts.directionIn : texts.directionOut}. ${texts.recorded}`,
        ...remarks,
      ].join(". ");
    }
    case "repeat":
      return `${screen.direction === "in" ? texts.repeatIn : texts.repeatOut}, ${clockText(screen.sinceMs)}`;
    case "refused":
    case "ask":
    case "out-of-order":
      return `${sentenceIn(screen.title, language)}. ${sentenceIn(screen.next, language)}`;
  }
}

/** The live regions. They stand outside the stage and never leave the document: a region that is redrawn is not read. */
export function Announcer() {
  const { received, link, missed, texts, language } = useStation();
  const screen = received.value?.view.screen;
  const scanId = screen && "scanId" in screen ? screen.scanId : (screen?.state ?? link.value);
  const urgent = screen && screen.state !== "ready" && screen.state !== "starting";
  const enrolment = received.value?.view.enrolment;
  const enrols = screen?.state === "ready" && enrolment !== undefined && showsEnrolment(enrolment);
  const said = screen ? announcement(screen, texts.value, language.value) : "";
  const text = enrols ? enrolmentTitle(enrolment, texts.value) : said;
  return (
    <div class="unseen">
      <div role="alert" aria-live="assertive" aria-atomic="true">
        {/* The key makes two people in a row with the same outcome two announcements. */}
        {missed.value !== null && (
          <p key={`missed ${missed.value}`}>{`${texts.value.missedTitle}. ${texts.value.missedNext}`}</p>
        )}
        {urgent && <p key={scanId}>{visibleText(text)}</p>}
        {link.value === "lost" && <p key="lost">{texts.value.disconnectedTitle}</p>}
      </div>
      <div role="status" aria-live="polite">
        {screen && !urgent && <p key={enrols ? enrolment.state : scanId}>{visibleText(text)}</p>}
      </div>
    </div>
  );
}
