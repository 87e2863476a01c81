import type { Sentence } from "../../agent/kiosk-port/view.ts";
import { type Language, sentenceIn } from "../i18n/language.ts";
import { useStation } from "../station.ts";
import { Panel } from "./panel.tsx";
import { Shown } from "./shown.tsx";

/** As the wire limits it. */
const longestNotice = 2_000;

/** The owner's own lines: to a screen a line break is a character that hides something. */
const linesOf = (text: Sentence, language: Language): string[] =>
  sentenceIn(text, language)
    .split(/[\r\n]+/)
    .filter((line) => line.trim() !== "");

/** What the place tells visitors about their data: its first lines where everybody waits, the whole behind a touch. */
export function DataNotice({ onRead }: { readonly onRead: () => void }) {
  const { received, texts, language } = useStation();
  const notice = received.value?.view.notice;
  if (!notice) return null;
  return (
    <div class="data-notice">
      <p>
        <Shown text={linesOf(notice.text, language.value).join(" ")} longest={longestNotice} />
      </p>
      <button type="button" onClick={onRead}>
        {texts.value.noticeRead}
      </button>
    </div>
  );
}

/** The whole of it, with its version. */
export function DataNoticePanel({ onClose }: { readonly onClose: () => void }) {
  const { received, texts, language } = useStation();
  const notice = received.value?.view.notice;
  if (!notice) return null;
  return (
    <Panel title={texts.value.noticeTitle} onClose={onClose}>
      <p class="panel-facts">{texts.value.noticeVersion(notice.version)}</p>
      {linesOf(notice.text, language.value).map((line, at) => (
        <p key={`${at} ${line}`} class="data-notice-line">
          <Shown text={line} longest={longestNotice} />
        </p>
      ))}
    </Panel>
  );
}
