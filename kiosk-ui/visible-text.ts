// Cc, Cf (bidi controls, zero-width, tags), line and paragraph separators, lone surrogates, fillers that draw nothing,
// and the fourth and later mark stacked on one letter: Vietnamese needs two.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115F\u1160\u2800\u3164\uFFA0]|(?<=\p{M}{3})\p{M}/gu;

/** Of a name or a code; sentences of our own and of the place's owner may be longer. */
const longestShown = 120;

/**
 * Text as it may be drawn: every character that could hide, reorder or overpaint its neighbours is written out as
 * `⟦U+202E⟧`, and the whole is cut at `longest` characters. The result is still plain text; it goes into text nodes only.
 */
export function visibleText(text: string, longest = longestShown): string {
  const escaped = text.normalize("NFC").replace(invisible, (character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    return `⟦U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}⟧`;
  });
  const characters = Array.from(escaped);
  return characters.length > longest ? `${characters.slice(0, longest).join("")}…` : escaped;
}
