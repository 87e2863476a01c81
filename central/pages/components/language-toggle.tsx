import { type Language, language, texts, textsOf } from "../i18n/texts.ts";

const languages: readonly Language[] = ["vi", "en"];

/** Both languages always visible, each named in itself. */
export function LanguageToggle() {
  return (
    <fieldset class="languages" aria-label={texts.value.languageToggle}>
      {languages.map((each) => (
        <button
          key={each}
          type="button"
          lang={each}
          aria-pressed={language.value === each}
          aria-label={textsOf(each).languageName}
          onClick={() => {
            language.value = each;
          }}
        >
          {each.toUpperCase()}
        </button>
      ))}
    </fieldset>
  );
}
