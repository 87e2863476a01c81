import type { Session } from "electron";
import { isPageUrl } from "./page-origin.ts";

/**
 * The only permission of the kiosk: the camera, without a microphone, for our own page in the main frame. `media` is
 * `video`, `audio` or `unknown`, one for each device asked for. Electron grants everything when nobody decides
 * (https://www.electronjs.org/docs/latest/tutorial/security, item 5).
 */
export function isAllowed(permission: string, origin: string, isMainFrame: boolean, media: readonly string[]): boolean {
  if (permission !== "media" || !isMainFrame || !isPageUrl(origin)) return false;
  return media.length > 0 && media.every((kind) => kind === "video");
}

/** Applies the rules of permissions, devices, downloads and network to the session of the window. */
export function lockSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, callback, details) => {
    const media = "mediaTypes" in details ? (details.mediaTypes ?? []) : [];
    callback(isAllowed(permission, details.requestingUrl, details.isMainFrame, media));
  });
  session.setPermissionCheckHandler((_contents, permission, origin, details) =>
    isAllowed(permission, origin, details.isMainFrame, [details.mediaType ?? "unknown"]),
  );
  session.setDevicePermissionHandler(() => false);
  session.on("will-download", (event) => event.preventDefault());
  // The content policy already forbids it; this also holds for what a policy does not see (prefetch, DNS hints).
  session.webRequest.onBeforeRequest(({ url }, callback) =>
    callback({ cancel: !isPageUrl(url.replace(/^blob:/, "")) }),
  );
}
