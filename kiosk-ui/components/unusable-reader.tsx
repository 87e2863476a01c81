import type { UnusableDevice } from "../../agent/kiosk-port/view.ts";
import { Said, Shown } from "./shown.tsx";

/** A reader that is plugged in and cannot be read as it is: why, and what to do about it. */
export function UnusableReader({ device }: { readonly device: UnusableDevice }) {
  return (
    <li class="reader reader-unusable" data-state="fault">
      <p class="reader-name">
        <span class="lamp" aria-hidden="true" />
        <Shown text={device.name} />
      </p>
      <p class="reader-state">
        <Said sentence={device.title} />
        {". "}
        <Said sentence={device.next} />
      </p>
    </li>
  );
}
