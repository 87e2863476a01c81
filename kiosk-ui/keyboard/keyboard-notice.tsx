import { useStation } from "../station.ts";
import { useKeyboard } from "./context.ts";

/**
 * Keys go to another window, so a reader in keyboard mode would type there. Said only where such a reader is known to be
 * used, or nothing else could read.
 */
export function KeyboardAway() {
  const { received, texts } = useStation();
  const { active, away, used } = useKeyboard();
  const view = received.value?.view;
  const needed = used.value || view?.readers.every((reader) => reader.state !== "ready");
  if (!view || !active.value || !away.value || !needed) return null;
  return (
    <p class="keyboard-away" role="status">
      {texts.value.keyboardAway}
    </p>
  );
}

/** Keyboard mode works, and is never the best way: said to staff once it was used. */
export function KeyboardAdvice() {
  const { texts } = useStation();
  const { used } = useKeyboard();
  return used.value ? <p>{texts.value.keyboardAdvice}</p> : null;
}
