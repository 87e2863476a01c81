import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The cuts of Be Vietnam Pro (SIL Open Font License 1.1) that posters are set in. */
export type Weight = "regular" | "semibold" | "bold";

const files: Record<Weight, string> = {
  regular: "400Regular/BeVietnamPro_400Regular.ttf",
  semibold: "600SemiBold/BeVietnamPro_600SemiBold.ttf",
  bold: "700Bold/BeVietnamPro_700Bold.ttf",
};

export const family = "Be Vietnam Pro";
export const cssWeight: Record<Weight, number> = { regular: 400, semibold: 600, bold: 700 };

let read: Readonly<Record<Weight, Uint8Array>> | undefined;

/** The font files, read once. */
export function fontFiles(): Readonly<Record<Weight, Uint8Array>> {
  const load = (weight: Weight) =>
    new Uint8Array(
      readFileSync(createRequire(import.meta.url).resolve(`@expo-google-fonts/be-vietnam-pro/${files[weight]}`)),
    );
  read ??= { regular: load("regular"), semibold: load("semibold"), bold: load("bold") };
  return read;
}

/** Pictures and what belongs to them: skin tones, joiners, flags, keycaps, tags. */
const pictographs =
  /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\ufe0e\ufe0f\u20e3]|[\u{e0020}-\u{e007f}]/gu;

/** © ® ™ are pictographs to Unicode and letters to the font. */
const letters = /[©®™]/u;

/**
 * A text as the font can set it: emoji are left out, since no text font has them, and so are characters that are not
 * seen (controls, direction marks). A letter of another script stays and is drawn as the font's empty box, so that
 * nobody takes a part of a name for the whole.
 */
export function settable(text: string): string {
  return text
    .normalize("NFC")
    .replace(pictographs, (found) => (letters.test(found) ? found : ""))
    .replace(/[\p{Zs}\p{Cc}]+/gu, " ")
    .replace(/\p{C}/gu, "")
    .replace(/ +/g, " ")
    .trim();
}
