import type { CDPSession, Page } from "playwright-core";
import type { HeldModifiers } from "../drivers/keyboard/key-stroke.ts";
import { createModifierWatch, type Stroke } from "./key-strokes.ts";

/** A keyboard at a page: what a reader, a person or a typing tool presses, as Chromium gets it from the system. */
export interface PageKeys {
  /**
   * Plays characters at an even pace, all at once: the page is told the time of each stroke, so the pace is exact on a busy
   * machine. A long silence follows.
   */
  play(characters: readonly (readonly Stroke[])[], paceMs: number): Promise<void>;
  /** Plays them in real time, each stroke when it is due and stamped by Chromium itself. */
  playLive(characters: readonly (readonly Stroke[])[], paceMs: number): Promise<void>;
}

const keyCodes: Record<string, number> = { Backspace: 8, Tab: 9, Enter: 13, Shift: 16, Control: 17, Alt: 18, " ": 32 };
/** What Windows calls text that a program sends (`VK_PACKET`). */
const packetKeyCode = 231;

/** Takes the keyboard of a page. */
export async function openPageKeys(page: Page): Promise<PageKeys> {
  const session = await page.context().newCDPSession(page);
  const startS = Date.now() / 1000;
  // Ahead of the clock, so that no timer of the page runs out before all strokes of a burst have arrived.
  let elapsedMs = 600_000;
  const modifiersOf = createModifierWatch();
  const press = (stroke: Stroke, time: { timestamp?: number }) => dispatch(session, stroke, modifiersOf(stroke), time);

  return {
    async play(characters, paceMs) {
      const sent: Promise<unknown>[] = [];
      for (const strokes of characters) {
        const timestamp = startS + elapsedMs / 1000;
        sent.push(...strokes.flatMap((stroke) => press(stroke, { timestamp })));
        elapsedMs += paceMs;
      }
      elapsedMs += 5000;
      const silence = { type: "keyUp", key: "F20", code: "F20", timestamp: startS + elapsedMs / 1000 } as const;
      await Promise.all([...sent, session.send("Input.dispatchKeyEvent", silence)]);
    },

    async playLive(characters, paceMs) {
      const startMs = performance.now();
      const sent: Promise<unknown>[] = [];
      for (const [at, strokes] of characters.entries()) {
        const waitMs = startMs + at * paceMs - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        sent.push(...strokes.flatMap((stroke) => press(stroke, {})));
      }
      await Promise.all(sent);
    },
  };
}

/**
 * Hands over one stroke. A packet is two events: a key without a name, then its character. After Alt Windows adds its own
 * reading of the number, a character without any key.
 */
function dispatch(
  session: CDPSession,
  { code, key, down }: Stroke,
  { alt, control, shift }: HeldModifiers,
  time: { timestamp?: number },
): Promise<unknown>[] {
  const modifiers = (alt ? 1 : 0) + (control ? 2 : 0) + (shift ? 8 : 0);
  const send = (event: NonNullable<Parameters<typeof session.send<"Input.dispatchKeyEvent">>[1]>) =>
    session.send("Input.dispatchKeyEvent", { ...event, modifiers, ...time });
  const isText = key.length === 1;
  if (code === "" && isText) {
    if (!down) return [send({ type: "keyUp", key: "Unidentified", windowsVirtualKeyCode: packetKeyCode })];
    return [
      send({ type: "rawKeyDown", key: "Unidentified", windowsVirtualKeyCode: packetKeyCode }),
      send({ type: "char", key, text: key }),
    ];
  }
  const windowsVirtualKeyCode = keyCodes[key] ?? (isText ? key.toUpperCase().charCodeAt(0) : 0);
  const up = { type: "keyUp", code, key, windowsVirtualKeyCode } as const;
  if (!down) return key === "Alt" ? [send(up), send({ type: "char", key: "á", text: "á" })] : [send(up)];
  const text = key === "Enter" ? "\r" : isText ? key : "";
  return [send({ type: text === "" ? "rawKeyDown" : "keyDown", code, key, windowsVirtualKeyCode, text })];
}
