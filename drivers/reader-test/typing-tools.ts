/**
 * Traces of a Vietnamese typing tool. Tools differ in what they rewrite (codes.md 8.3), so single words are looked for
 * that every one of them makes a letter of, and that stand alone in the test codes.
 */
const letters = {
  Telex: "aa:â aw:ă dd:đ ee:ê oo:ô ow:ơ uw:ư as:á af:à ar:ả ax:ã aj:ạ",
  VNI: "a1:á a2:à a6:â o7:ơ d9:đ e6:ê u7:ư",
} as const;

/** Which tool changed `arrived`, or null when there is no trace of one. */
export function typingToolIn(expected: string, arrived: string): keyof typeof letters | null {
  const wanted = wordsOf(expected);
  const got = wordsOf(arrived);
  const traces = (tool: keyof typeof letters): number =>
    letters[tool].split(" ").filter((pair) => {
      const [keys = "", letter = ""] = pair.split(":");
      return wanted.has(keys) && !got.has(keys) && got.has(letter) && !wanted.has(letter);
    }).length;
  const found = (["Telex", "VNI"] as const).toSorted((one, other) => traces(other) - traces(one))[0];
  return found !== undefined && traces(found) > 0 ? found : null;
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(
    text
      .normalize("NFC")
      .toLowerCase()
      .split(/[\s|]+/),
  );
}
