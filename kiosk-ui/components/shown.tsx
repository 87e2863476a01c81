import type { Sentence } from "../../agent/kiosk-port/view.ts";
import { sentenceIn } from "../i18n/language.ts";
import { useStation } from "../station.ts";
import { visibleText } from "../visible-text.ts";

/** Text that came from outside the page, isolated so that right-to-left letters in it cannot reorder their surroundings. */
export function Shown({ text, longest }: { readonly text: string; readonly longest?: number }) {
  return <bdi>{visibleText(text, longest)}</bdi>;
}

/** With the name of a person or a place in it. */
const longestSentence = 400;

/** The agent's sentence in the language of the page. */
export function Said({ sentence }: { readonly sentence: Sentence }) {
  return <Shown text={sentenceIn(sentence, useStation().language.value)} longest={longestSentence} />;
}

/** Why the last try did not do. */
export function Complaint({ sentence }: { readonly sentence: Sentence }) {
  return (
    <p class="complaint">
      <Said sentence={sentence} />
    </p>
  );
}
