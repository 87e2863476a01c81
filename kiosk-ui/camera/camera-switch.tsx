import { useStation } from "../station.ts";
import { useCamera } from "./camera.ts";
import { faultText } from "./camera-texts.ts";

/** On the visitors' screen, where nothing else can read: start the camera. */
export function CameraOffer() {
  const { texts } = useStation();
  const { need, switchOn } = useCamera();
  if (need.value !== "offer") return null;
  return (
    <button type="button" class="primary camera-offer" onClick={() => switchOn(true)}>
      {texts.value.cameraUse}
    </button>
  );
}

/** For staff: what the camera does, and the switch. */
export function CameraSwitch() {
  const { received, texts } = useStation();
  const { need, state, switchOn } = useCamera();
  const view = received.value?.view;
  if (!view || view.capture.camera === "off") return null;
  const on = need.value === "on";
  const waits = view.capture.camera === "fallback" && view.readers.some((reader) => reader.state === "ready");
  const now = state.value;
  return (
    <section>
      <h3>{texts.value.cameraLabel}</h3>
      <p>
        {now.state === "fault"
          ? faultText(now.fault, texts.value)
          : waits
            ? texts.value.cameraWaits
            : on
              ? texts.value.cameraIsOn
              : texts.value.cameraIsOff}
      </p>
      {!waits && (
        <button type="button" aria-pressed={on} onClick={() => switchOn(!on)}>
          {on ? texts.value.cameraSwitchOff : texts.value.cameraSwitchOn}
        </button>
      )}
    </section>
  );
}
