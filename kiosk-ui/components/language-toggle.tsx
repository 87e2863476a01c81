import { type Language, textsOf } from "../i18n/language.ts";
import { useStation } from "../station.ts";

const languages: readonly Language[] = ["vi", "en"];

/** Both languages always visible, each named in itself: a visitor who cannot read the page still finds theirs. */
export function LanguageToggle() {
  const { language, texts, chooseLanguage } = useStation();
  return (
    <fieldset class="languages" aria-label={texts.value.languageToggle}>
      {languages.map((each) => (
        <button
          key={each}
          type="button"
          lang={each}
          aria-pressed={language.value === each}
          aria-label={textsOf(each).languageName}
          onClick={() => chooseLanguage(each)}
        >
          {each.toUpperCase()}
        </button>
      ))}
    </fieldset>
  );
}
