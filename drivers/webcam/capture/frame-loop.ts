import type { FrameMessage, WorkerMessage } from "./worker-messages.ts";

export interface FrameLoopEvents {
  /** One frame was looked at. */
  readonly onLooked: (message: WorkerMessage & { kind: "looked" }) => void;
  /** No frame was looked at for some seconds: the camera is silent. */
  readonly onSilent: () => void;
  /** The decoder does not start or has failed. */
  readonly onBroken: () => void;
}

/** A fresh worker loads its decoder first; a slow machine needs some seconds for both. */
const silentAfterMs = 8_000;

/**
 * Gives the newest frame of the stream to a worker, one at a time: while it looks, others pass by unread, so nothing ever
 * queues up. Returns how to stop it.
 */
export function startFrameLoop(stream: MediaStream, events: FrameLoopEvents): () => void {
  const worker = new Worker(new URL("./decode-worker.ts", import.meta.url), { type: "module" });
  // Its own player, outside of the page: the preview may come and go.
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  let free = false;
  let stopped = false;
  let callback = 0;
  let watchdog: ReturnType<typeof setTimeout> | undefined;

  const stop = (): void => {
    stopped = true;
    clearTimeout(watchdog);
    video.cancelVideoFrameCallback(callback);
    video.srcObject = null;
    worker.terminate();
  };
  const end = (tell: () => void) => (): void => {
    if (stopped) return;
    stop();
    tell();
  };
  const watch = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(end(events.onSilent), silentAfterMs);
  };
  const onFrame = (): void => {
    if (stopped) return;
    callback = video.requestVideoFrameCallback(onFrame);
    if (!free) return;
    free = false;
    const message: FrameMessage = { frame: new VideoFrame(video) };
    worker.postMessage(message, [message.frame]);
  };
  worker.addEventListener("message", ({ data }: MessageEvent<WorkerMessage>) => {
    if (stopped) return;
    if (data.kind === "broken") return end(events.onBroken)();
    free = true;
    watch();
    if (data.kind === "looked") events.onLooked(data);
  });
  worker.addEventListener("error", end(events.onBroken));
  callback = video.requestVideoFrameCallback(onFrame);
  video.play().catch(() => {
    // Stopped before it began; a camera that gives nothing is the watchdog's matter.
  });
  watch();
  return stop;
}
