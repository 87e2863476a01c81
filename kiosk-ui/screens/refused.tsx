import type { ScreenState } from "../../agent/kiosk-port/view.ts";
import { IconRefused } from "../components/icons.tsx";
import { Said } from "../components/shown.tsx";
import { useStation } from "../station.ts";
import { Notice } from "./notice.tsx";
import { Facts } from "./person.tsx";

/** Red: not recorded, why, and what to do next. */
export function RefusedScreen({ screen }: { readonly screen: Extract<ScreenState, { state: "refused" }> }) {
  const { texts, send } = useStation();
  return (
    <Notice
      icon={<IconRefused />}
      label={texts.value.refusedLabel}
      title={<Said sentence={screen.title} />}
      next={<Said sentence={screen.next} />}
    >
      <Facts lane={screen.lane} />
      <div class="choices">
        <button type="button" onClick={() => send({ kind: "dismiss", scanId: screen.scanId })}>
          {texts.value.dismiss}
        </button>
      </div>
    </Notice>
  );
}
