import { useCamera } from "../camera/camera.ts";
import { CameraButtons, CameraPreview } from "../camera/camera-preview.tsx";
import { CameraOffer } from "../camera/camera-switch.tsx";
import { DataNotice } from "../components/data-notice.tsx";
import { IconCard } from "../components/icons.tsx";
import { useStation } from "../station.ts";

/** Nobody at the gate: an invitation and how to hold the card, to the reader or into the camera's picture. */
export function ReadyScreen({ onReadNotice }: { readonly onReadNotice: () => void }) {
  const { texts } = useStation();
  const { need } = useCamera();
  if (need.value === "on") {
    return (
      <div class="ready-with-camera">
        <CameraPreview />
        <div>
          <h2 class="title">{texts.value.readyTitle}</h2>
          <p class="next">{texts.value.readyHoldCamera}</p>
          <p class="cards">{texts.value.readyCards}</p>
          <CameraButtons />
          <DataNotice onRead={onReadNotice} />
        </div>
      </div>
    );
  }
  return (
    <div class="ready">
      <IconCard />
      <h2 class="title">{texts.value.readyTitle}</h2>
      <p class="next">{texts.value.readyHold}</p>
      <p class="cards">{texts.value.readyCards}</p>
      <CameraOffer />
      <DataNotice onRead={onReadNotice} />
    </div>
  );
}
