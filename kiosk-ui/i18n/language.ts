import type { Sentence } from "../../agent/kiosk-port/view.ts";
import { en } from "./en.ts";
import { type Texts, vi } from "./vi.ts";

export type Language = "vi" | "en";

const storageKey = "tram.language";

/** The page's own sentences in one language. */
export const textsOf = (language: Language): Texts => (language === "vi" ? vi : en);

/** The agent's sentence in one language; a missing translation falls back to Vietnamese, never to nothing. */
export const sentenceIn = (sentence: Sentence, language: Language): string => sentence[language] || sentence.vi;

/** The language of this browser session, Vietnamese when none was chosen or storage is forbidden. */
export function rememberedLanguage(): Language {
  try {
    return sessionStorage.getItem(storageKey) === "en" ? "en" : "vi";
  } catch {
    return "vi";
  }
}

/** Remembers the choice for this session only: the next visitor's morning starts in Vietnamese again. */
export function rememberLanguage(language: Language): void {
  try {
    sessionStorage.setItem(storageKey, language);
  } catch {
    // A kiosk profile may forbid storage; the choice then lasts until the page is reloaded.
  }
}
