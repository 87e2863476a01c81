import { useEffect, useRef } from "preact/hooks";
import type { CameraState } from "../../drivers/webcam/capture/camera-capture.ts";
import { useStation } from "../station.ts";
import { useCamera } from "./camera.ts";
import { adviceText, faultText } from "./camera-texts.ts";

/** The mirror in which visitors hold their card into the frame, with one line below it; of the same size in every state. */
export function CameraPreview() {
  const { texts } = useStation();
  const state = useCamera().state.value;
  return (
    <div class="camera" data-state={state.state}>
      <div class="camera-picture" aria-hidden="true">
        {state.state === "running" && <Mirror stream={state.stream} facesUser={state.facesUser} />}
        <CardFrame />
      </div>
      <p class="camera-line" role="status" data-quiet={state.state === "running" && state.advice === null}>
        {lineOf(state, texts.value)}
      </p>
    </div>
  );
}

function lineOf(state: CameraState, texts: ReturnType<typeof useStation>["texts"]["value"]): string {
  if (state.state === "running") return adviceText(state, texts);
  return state.state === "fault" ? faultText(state.fault, texts) : texts.cameraStarting;
}

function Mirror({ stream, facesUser }: { readonly stream: MediaStream; readonly facesUser: boolean }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  return <video ref={video} autoplay muted playsInline data-mirrored={facesUser} />;
}

/** Of a card's shape, 85.6 x 54 mm, as large as it should look. */
const CardFrame = () => (
  <svg class="camera-frame" viewBox="0 0 160 120" aria-hidden="true" focusable="false">
    <path class="veil" d="M0 0h160v120H0zM34 28a8 8 0 0 0-8 8v48a8 8 0 0 0 8 8h92a8 8 0 0 0 8-8V36a8 8 0 0 0-8-8z" />
    <path
      class="corner"
      d="M26 48V36a8 8 0 0 1 8-8h12M114 28h12a8 8 0 0 1 8 8v12M134 72v12a8 8 0 0 1-8 8h-12M46 92H34a8 8 0 0 1-8-8V72"
    />
  </svg>
);

/** The lamp of a camera that has one, and the next camera where there are several. */
export function CameraButtons() {
  const { texts } = useStation();
  const { state, setTorch, choose } = useCamera();
  if (state.value.state !== "running") return null;
  const { torch, cameras, cameraId } = state.value;
  const here = cameras.findIndex(({ id }) => id === cameraId);
  const next = cameras[(here + 1) % cameras.length];
  return (
    <div class="camera-buttons">
      {torch !== null && (
        <button type="button" aria-pressed={torch} onClick={() => setTorch(!torch)}>
          {torch ? texts.value.cameraTorchOff : texts.value.cameraTorchOn}
        </button>
      )}
      {cameras.length > 1 && next !== undefined && (
        <button type="button" onClick={() => choose(next.id)}>
          {texts.value.cameraNext}
        </button>
      )}
    </div>
  );
}
