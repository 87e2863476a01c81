import { effect } from "@preact/signals";
import type { Station } from "../station.ts";
import { type Tone, tonesOf } from "./tones.ts";

const loudness = 0.35;
const edgeS = 0.012;

/** Plays each scan's sound once, by its scan id: a view sent again, or again after a reconnect, stays silent. */
export function playOutcomes(station: Station): void {
  const play = createPlayer();
  let lastScanId: string | null = null;
  effect(() => {
    const screen = station.received.value?.view.screen;
    if (!screen || !("scanId" in screen) || screen.scanId === lastScanId) return;
    lastScanId = screen.scanId;
    play(tonesOf(screen.state));
  });
  effect(() => {
    if (station.missed.value !== null) play(tonesOf("refused"));
  });
}

/**
 * A browser keeps audio suspended until the first touch or key unless it was started for a kiosk. Tones of that time are
 * left out instead of queued: an old "accepted" must not sound when somebody touches the screen later.
 */
function createPlayer(): (tones: readonly Tone[]) => void {
  let audio: AudioContext | null = null;
  try {
    audio = new AudioContext({ latencyHint: "interactive" });
  } catch {
    // No sound device or no Web Audio: colour, shape and words carry the outcome.
    return () => {};
  }
  const context = audio;
  const wake = () => {
    if (context.state !== "running") context.resume().catch(() => {});
  };
  for (const gesture of ["pointerdown", "keydown"]) window.addEventListener(gesture, wake, { passive: true });

  return (tones) => {
    wake();
    if (context.state !== "running") return;
    for (const each of tones) sound(context, each);
  };
}

function sound(context: AudioContext, { frequencyHz, startS, lengthS, shape }: Tone): void {
  const start = context.currentTime + startS;
  const oscillator = new OscillatorNode(context, { type: shape, frequency: frequencyHz });
  const gain = new GainNode(context, { gain: 0 });
  // Soft edges: a tone cut hard clicks in cheap speakers.
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(loudness, start + edgeS);
  gain.gain.setValueAtTime(loudness, start + lengthS - edgeS);
  gain.gain.linearRampToValueAtTime(0, start + lengthS);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + lengthS);
}
