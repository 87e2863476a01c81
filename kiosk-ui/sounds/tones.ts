import type { ScreenState } from "../../agent/kiosk-port/view.ts";

export interface Tone {
  readonly frequencyHz: number;
  readonly startS: number;
  readonly lengthS: number;
  readonly shape: OscillatorType;
}

const tone = (frequencyHz: number, startS: number, lengthS: number, shape: OscillatorType = "sine"): Tone => ({
  frequencyHz,
  startS,
  lengthS,
  shape,
});

// Different in rhythm as well as in height, so that they are told apart in a noisy hall and by people who hear one pitch badly:
// one rising pair, two equal short ones, one long low one, three soft ones.
const melodies: Partial<Record<ScreenState["state"], readonly Tone[]>> = {
  accepted: [tone(784, 0, 0.12), tone(1_175, 0.12, 0.2)],
  repeat: [tone(587, 0, 0.12), tone(587, 0.2, 0.12)],
  refused: [tone(196, 0, 0.28, "triangle"), tone(147, 0.28, 0.4, "triangle")],
  ask: [tone(659, 0, 0.1), tone(659, 0.16, 0.1), tone(880, 0.32, 0.16)],
};

/** The tones of one screen; states that are not the answer to a scan are silent. */
export const tonesOf = (state: ScreenState["state"]): readonly Tone[] => melodies[state] ?? [];
