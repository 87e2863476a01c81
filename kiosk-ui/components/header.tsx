import { clockText, dateText } from "../i18n/time.ts";
import { useStation } from "../station.ts";
import { LanguageToggle } from "./language-toggle.tsx";
import { QueueBadge } from "./queue-badge.tsx";
import { Shown } from "./shown.tsx";

/** Where this is, what time it is, how many are inside, and whether records are being sent. */
export function Header() {
  const { received, texts, nowMs, language } = useStation();
  const view = received.value?.view;
  const now = nowMs.value;
  return (
    <header class="header">
      <div class="place">
        <h1>{view?.placeName ? <Shown text={view.placeName} /> : texts.value.placeUnnamed}</h1>
        {view && <p class="inside">{texts.value.insideCount(view.inside)}</p>}
      </div>
      {received.value && <QueueBadge received={received.value} />}
      <LanguageToggle />
      <div class="now">
        <time class="clock" dateTime={clockText(now)}>
          {clockText(now)}
        </time>
        <p class="date">{dateText(now, language.value)}</p>
      </div>
    </header>
  );
}
