import type { CameraState } from "../../drivers/webcam/capture/camera-capture.ts";
import type { CameraFault } from "../../drivers/webcam/capture/camera-fault.ts";
import type { Texts } from "../i18n/vi.ts";

/** What is wrong and what to do next, in one sentence. */
export const faultText = (fault: CameraFault, texts: Texts): string =>
  ({
    refused: texts.cameraRefused,
    absent: texts.cameraAbsent,
    busy: texts.cameraBusy,
    gone: texts.cameraGone,
    silent: texts.cameraSilent,
    decoder: texts.cameraDecoder,
  })[fault];

/** How to hold the code. What the camera itself cannot do comes after what a hand can change. */
export function adviceText({ advice, coarse }: CameraState & { state: "running" }, texts: Texts): string {
  if (advice !== null) {
    return {
      "too-dark": texts.cameraTooDark,
      "too-bright": texts.cameraTooBright,
      glare: texts.cameraGlare,
      nearer: texts.cameraNearer,
      steady: texts.cameraSteady,
    }[advice];
  }
  return coarse ? texts.cameraCoarse : texts.cameraWatching;
}
