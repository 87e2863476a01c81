import type { FrameAdvice } from "./frame-advice.ts";

/** To the worker: one frame, transferred. */
export interface FrameMessage {
  readonly frame: VideoFrame;
}

/** From the worker: `ready` once, `broken` when it never will be, `looked` once for each frame. */
export type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "broken" }
  | {
      readonly kind: "looked";
      /** What the code in the frame says; null when none was read. */
      readonly bytes: Uint8Array | null;
      /** How to hold the next one; null when nothing stands out, absent when it was not looked for. */
      readonly advice?: FrameAdvice | null;
    };
