/**
 * Why there is no picture. `refused`: the browser or the system forbids it; `absent`: no camera; `busy`: another program has
 * it; `gone`: it was unplugged; `silent`: it gives no pictures; `decoder`: the pictures cannot be read by this browser.
 */
export type CameraFault = "refused" | "absent" | "busy" | "gone" | "silent" | "decoder";

/** The fault behind an error of getUserMedia (https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia). */
export function cameraFault(error: unknown): CameraFault {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "absent";
    // Windows lets one program have a camera; Linux answers AbortError for some drivers.
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "silent";
  }
}
