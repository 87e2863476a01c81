import wasmUrl from "zxing-wasm/reader/zxing_reader.wasm?url";
import { likelyCodeRegion } from "./code-region.ts";
import { frameAdvice } from "./frame-advice.ts";
import { greyOfFrame } from "./grey-of-frame.ts";
import { PersistentDecoder } from "./persistent-decoder.ts";
import type { FrameMessage, WorkerMessage } from "./worker-messages.ts";
import { ZxingDecoder } from "./zxing-decoder.ts";

// The worker that reads frames, away from the thread that draws. Nothing of a frame is kept, written or logged.

/** Advice costs a tenth of a decoding and changes slowly. */
const framesPerAdvice = 4;

const post = (message: WorkerMessage): void => self.postMessage(message);

async function openDecoder(): Promise<PersistentDecoder> {
  // Our own file beside the page; without it the engine would be fetched from the internet.
  const response = await fetch(wasmUrl);
  if (!response.ok) throw new Error(`decoder not served: ${response.status}`);
  return new PersistentDecoder(await ZxingDecoder.create(await response.arrayBuffer()));
}

let looked = 0;

async function look(decoder: PersistentDecoder, frame: VideoFrame): Promise<WorkerMessage> {
  try {
    const grey = await greyOfFrame(frame);
    const code = decoder.decode(grey);
    looked += 1;
    if (code !== null) return { kind: "looked", bytes: code.bytes, advice: null };
    if (looked % framesPerAdvice !== 0) return { kind: "looked", bytes: null };
    return { kind: "looked", bytes: null, advice: frameAdvice(grey, likelyCodeRegion(grey)) };
  } finally {
    // A frame that is not closed keeps one of the camera's few buffers.
    frame.close();
  }
}

const opening = openDecoder();
opening.then(
  () => post({ kind: "ready" }),
  () => post({ kind: "broken" }),
);
self.addEventListener("message", ({ data }: MessageEvent<FrameMessage>) => {
  opening.then((decoder) => look(decoder, data.frame)).then(post, () => post({ kind: "broken" }));
});
