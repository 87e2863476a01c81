import { type CameraFault, cameraFault } from "./camera-fault.ts";
import { type CameraChoice, listCameras, type OpenCamera, openCamera, setTorch } from "./camera-track.ts";
import type { FrameAdvice } from "./frame-advice.ts";
import { startFrameLoop } from "./frame-loop.ts";
import { SameCode } from "./same-code.ts";

/** What the camera does now. */
export type CameraState =
  | { readonly state: "off" }
  | { readonly state: "starting" }
  | {
      readonly state: "running";
      readonly stream: MediaStream;
      readonly facesUser: boolean;
      /** So few pixels that cards are hardly readable. */
      readonly coarse: boolean;
      /** Null when the camera has no lamp. */
      readonly torch: boolean | null;
      readonly advice: FrameAdvice | null;
      /** The one in use and all there are. */
      readonly cameraId: string;
      readonly cameras: readonly CameraChoice[];
    }
  /** It is tried again by itself. */
  | { readonly state: "fault"; readonly fault: CameraFault };

export interface CameraCapture {
  /** Opens a camera and goes on trying until {@link stop}. */
  start(): void;
  /** Lets go of the camera: its lamp goes out. */
  stop(): void;
  /** Uses this camera from now on. */
  choose(cameraId: string): void;
  setTorch(on: boolean): void;
}

export interface CaptureEvents {
  /** A new scan; a code that is still held up is none. */
  readonly onScan: (bytes: Uint8Array) => void;
  readonly onState: (state: CameraState) => void;
}

const firstRetryMs = 1_000;
const longestRetryMs = 15_000;
/** Under 640 x 480 a card's code has fewer than 1.5 px per module at any distance that shows it whole. */
const coarseUnderPx = 480;
/** Advice changes when this many measurements agree, so that it does not flicker. */
const agreeingAdvice = 3;

/**
 * Reads QR codes with a camera of this machine: the one with this id, or any when it is null or not there. No frame leaves
 * the memory of the page and its worker.
 */
export function createCameraCapture(firstChoice: string | null, { onScan, onState }: CaptureEvents): CameraCapture {
  const sameCode = new SameCode();
  let wanted = false;
  let attempt = 0;
  let chosenId = firstChoice;
  let retryMs = firstRetryMs;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let close = (): void => {};
  let state: CameraState = { state: "off" };

  const say = (next: CameraState): void => {
    state = next;
    onState(next);
  };
  const change = (part: Partial<CameraState & { state: "running" }>): void => {
    if (state.state === "running") say({ ...state, ...part, state: "running" });
  };

  const fail = (fault: CameraFault): void => {
    closeCamera();
    if (!wanted) return;
    say({ state: "fault", fault });
    retryTimer = setTimeout(() => void open(), retryMs);
    retryMs = Math.min(retryMs * 2, longestRetryMs);
  };

  const closeCamera = (): void => {
    attempt += 1;
    clearTimeout(retryTimer);
    close();
    close = () => {};
  };

  const open = async (): Promise<void> => {
    closeCamera();
    // Nobody holds a card up to a page that nobody sees, and such a page gets no frames: the camera's lamp stays out.
    if (document.hidden) return say({ state: "starting" });
    const mine = attempt;
    try {
      // Absent on pages that are not secure.
      if (navigator.mediaDevices === undefined) throw new DOMException("no mediaDevices", "NotAllowedError");
      const camera = await openCamera(chosenId);
      if (mine !== attempt) return stopTracks(camera.stream);
      // Whatever fails from here on, the lamp goes out.
      close = () => stopTracks(camera.stream);
      const cameras = await listCameras();
      if (mine === attempt) run(camera, cameras);
    } catch (error) {
      if (mine === attempt) fail(cameraFault(error));
    }
  };

  const run = (camera: OpenCamera, cameras: readonly CameraChoice[]): void => {
    const { stream, track, hasTorch, facesUser, id } = camera;
    const settle = steadyAdvice();
    const stopLoop = startFrameLoop(stream, {
      onLooked: ({ bytes, advice }) => {
        retryMs = firstRetryMs;
        if (bytes !== null && sameCode.counts(String.fromCharCode(...bytes), performance.now())) onScan(bytes);
        if (advice === undefined || state.state !== "running") return;
        const steady = settle(advice);
        if (steady !== state.advice) change({ advice: steady });
      },
      onSilent: () => fail("silent"),
      onBroken: () => fail("decoder"),
    });
    const onEnded = () => fail("gone");
    track.addEventListener("ended", onEnded);
    close = () => {
      track.removeEventListener("ended", onEnded);
      stopLoop();
      stopTracks(stream);
    };
    const { width = 0, height = 0 } = track.getSettings();
    say({
      state: "running",
      stream,
      facesUser,
      coarse: Math.min(width, height) < coarseUnderPx,
      torch: hasTorch ? false : null,
      advice: null,
      cameraId: id,
      cameras,
    });
  };

  /** Something was plugged in or out, or a permission given: worth a try before the timer says so. */
  const onChange = (): void => {
    if (!wanted) return;
    if (state.state === "fault") void open();
    else if (state.state === "running") void listCameras().then((cameras) => change({ cameras }));
  };
  navigator.mediaDevices?.addEventListener("devicechange", onChange);
  document.addEventListener("visibilitychange", () => {
    if (wanted) void open();
  });
  navigator.permissions?.query({ name: "camera" }).then(
    (permission) => permission.addEventListener("change", onChange),
    () => {
      // A browser without this permission's name: the timer tries again.
    },
  );

  return {
    start() {
      if (wanted) return;
      wanted = true;
      retryMs = firstRetryMs;
      say({ state: "starting" });
      void open();
    },
    stop() {
      if (!wanted) return;
      wanted = false;
      closeCamera();
      say({ state: "off" });
    },
    choose(cameraId) {
      chosenId = cameraId;
      if (wanted) void open();
    },
    setTorch(on) {
      const [track] = state.state === "running" ? state.stream.getVideoTracks() : [];
      if (track !== undefined) void setTorch(track, on).then(() => change({ torch: on }));
    },
  };
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** Gives the advice to show: the last one on which several measurements in a row agreed. */
function steadyAdvice(): (measured: FrameAdvice | null) => FrameAdvice | null {
  let shown: FrameAdvice | null = null;
  let last: FrameAdvice | null = null;
  let agreeing = 0;
  return (measured) => {
    agreeing = measured === last ? agreeing + 1 : 1;
    last = measured;
    if (agreeing >= agreeingAdvice) shown = measured;
    return shown;
  };
}
