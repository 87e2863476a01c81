import { render } from "preact";
import { App } from "./app.tsx";
import { CameraContext, runCamera } from "./camera/camera.ts";
import { chooseCarrier } from "./carriers/choose-carrier.ts";
import { captureKeyboard } from "./keyboard/capture.ts";
import { KeyboardContext } from "./keyboard/context.ts";
import { playOutcomes } from "./sounds/outcome-sounds.ts";
import { createStation, StationContext } from "./station.ts";

const root = document.getElementById("kiosk");
if (!root) throw new Error("index.html has no #kiosk");

// A file dropped on the window would replace the kiosk, and the context menu opens things a visitor must not reach.
for (const gesture of ["dragover", "drop", "contextmenu"]) {
  window.addEventListener(gesture, (event) => event.preventDefault());
}
// Only the fragment changes when someone opens the page with another token: start over with it.
window.addEventListener("hashchange", () => window.location.reload());

const station = createStation(chooseCarrier(window));
const keyboard = captureKeyboard(window, station);
const camera = runCamera(station);
playOutcomes(station);
render(
  <StationContext.Provider value={station}>
    <KeyboardContext.Provider value={keyboard}>
      <CameraContext.Provider value={camera}>
        <App />
      </CameraContext.Provider>
    </KeyboardContext.Provider>
  </StationContext.Provider>,
  root,
);
