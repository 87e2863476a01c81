// Control and format characters, line and paragraph separators, lone surrogates, fillers that draw nothing.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115F\u1160\u2800\u3164\uFFA0]/gu;

/** Text from outside as it may be drawn: what would hide or reorder its neighbours is a dot instead. */
export const drawable = (text: string): string => text.normalize("NFC").replace(invisible, "·");

/** Text somebody else wrote, kept apart from its surroundings so that right-to-left letters cannot reorder them. */
export function Outside({ text }: { readonly text: string }) {
  return <bdi>{drawable(text)}</bdi>;
}
