import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { type CameraState, createCameraCapture } from "../../drivers/webcam/capture/camera-capture.ts";
import type { Station } from "../station.ts";
import { type CameraNeed, cameraNeed } from "./camera-need.ts";

/** The camera of this page. */
export interface Camera {
  readonly need: ReadonlySignal<CameraNeed>;
  readonly state: ReadonlySignal<CameraState>;
  /** Staff switch it on or off, for as long as the page is open. */
  readonly switchOn: (on: boolean) => void;
  readonly choose: (cameraId: string) => void;
  readonly setTorch: (on: boolean) => void;
}

/** Runs the camera whenever the station needs it and sends what it reads to the agent. */
export function runCamera(station: Station): Camera {
  const chosen = signal<boolean | null>(null);
  const state = signal<CameraState>({ state: "off" });
  const need = computed(() => cameraNeed(station.received.value?.view ?? null, chosen.value));
  const capture = createCameraCapture(rememberedCamera(), {
    onScan: (bytes) =>
      station.send({ kind: "captured", source: "webcam", bytesB64: btoa(String.fromCharCode(...bytes)) }),
    onState: (next) => {
      state.value = next;
    },
  });
  effect(() => {
    if (need.value === "on") capture.start();
    else capture.stop();
  });
  return {
    need,
    state,
    switchOn: (on) => {
      chosen.value = on;
    },
    choose: (cameraId) => {
      rememberCamera(cameraId);
      capture.choose(cameraId);
    },
    setTorch: (on) => capture.setTorch(on),
  };
}

const storageKey = "tram.camera";

/** The camera staff chose on this machine; the browser's id of it is known to our page only. */
function rememberedCamera(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    return null;
  }
}

function rememberCamera(cameraId: string): void {
  try {
    localStorage.setItem(storageKey, cameraId);
  } catch {
    // A kiosk profile may forbid storage; the choice then lasts until the page is reloaded.
  }
}

export const CameraContext = createContext<Camera | null>(null);

/** The camera of this page; only inside the tree that `main.tsx` draws. */
export function useCamera(): Camera {
  const camera = useContext(CameraContext);
  if (!camera) throw new Error("useCamera outside of CameraContext");
  return camera;
}
