/** A camera of this machine. */
export interface CameraChoice {
  readonly id: string;
  /** As the system calls it; empty until the camera was allowed once. */
  readonly label: string;
}

/** An open camera. */
export interface OpenCamera {
  readonly stream: MediaStream;
  readonly track: MediaStreamTrack;
  readonly id: string;
  /** It has a lamp that can be switched. */
  readonly hasTorch: boolean;
  /** It looks at the person who looks at the screen, so that the preview is a mirror. */
  readonly facesUser: boolean;
}

/** Parts of the Image Capture standard that TypeScript's DOM does not know (https://w3c.github.io/mediacapture-image/). */
interface ImageCapabilities {
  readonly focusMode?: readonly string[];
  readonly exposureMode?: readonly string[];
  readonly torch?: boolean;
}

/**
 * Opens the camera with this id, or any when it is not there. Full HD, because the modules of a card are 0.4 mm: whatever
 * the camera has that is nearest is taken. Never asks for a microphone.
 *
 * @throws DOMException of getUserMedia; see {@link cameraFault}
 */
export async function openCamera(id: string | null): Promise<OpenCamera> {
  // `exact`, because a mere wish for a camera is outvoted by the one the browser prefers.
  const chosen = id === null ? null : await askFor({ deviceId: { exact: id } }).catch(anyInstead);
  const stream = chosen ?? (await askFor({}));
  const [track] = stream.getVideoTracks();
  if (track === undefined) throw new DOMException("stream without video", "NotFoundError");
  const can: ImageCapabilities = track.getCapabilities() as ImageCapabilities;
  // Some webcams start with the focus where a meeting left it.
  if (can.focusMode?.includes("continuous")) await constrain(track, { focusMode: "continuous" });
  if (can.exposureMode?.includes("continuous")) await constrain(track, { exposureMode: "continuous" });
  const { deviceId, facingMode } = track.getSettings();
  return {
    stream,
    track,
    id: deviceId ?? "",
    hasTorch: can.torch === true,
    facesUser: facingMode !== "environment",
  };
}

const askFor = async (which: MediaTrackConstraints): Promise<MediaStream> =>
  await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { width: { ideal: 1920 }, height: { ideal: 1080 }, ...which },
  });

/** The chosen camera is not there: null, so that any is taken. Other faults of it are its own. */
function anyInstead(error: unknown): null {
  if (error instanceof Error && error.name === "OverconstrainedError") return null;
  throw error;
}

/** Switches the lamp of a camera that has one. */
export async function setTorch(track: MediaStreamTrack, on: boolean): Promise<void> {
  await constrain(track, { torch: on });
}

/** All cameras, in the system's order. */
export async function listCameras(): Promise<CameraChoice[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput")
    .map((device) => ({ id: device.deviceId, label: device.label }));
}

/** A wish: a camera that says no to it still gives pictures. */
async function constrain(track: MediaStreamTrack, wish: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    await track.applyConstraints({ advanced: [wish] });
  } catch {
    // Told to have it and does not: seen with drivers that report more than the lens can do.
  }
}
