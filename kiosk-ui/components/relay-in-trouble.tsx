import type { RelayView } from "../../agent/kiosk-port/view.ts";
import { useStation } from "../station.ts";
import { Said, Shown } from "./shown.tsx";

/** A gate that does not open by itself, and what to do. One that works is not worth a place on the screen. */
export function RelayInTrouble({ relay }: { readonly relay: RelayView }) {
  const texts = useStation().texts.value;
  return (
    <li class="reader" data-state={relay.state}>
      <p class="reader-name">
        <span class="lamp" aria-hidden="true" />
        <Shown text={relay.name} />
      </p>
      <p class="reader-state">
        {texts.readerFault}
        {relay.message && (
          <>
            {": "}
            <Said sentence={relay.message} />
          </>
        )}
      </p>
    </li>
  );
}
