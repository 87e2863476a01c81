import type { ScreenState } from "../../agent/kiosk-port/view.ts";
import { IconAccepted, IconDirection } from "../components/icons.tsx";
import { Said } from "../components/shown.tsx";
import { clockWithSecondsText } from "../i18n/time.ts";
import { useStation } from "../station.ts";
import { Notice } from "./notice.tsx";
import { Facts, Person } from "./person.tsx";

/** Green: recorded on this machine. The direction is the largest word on the screen. */
export function AcceptedScreen({ screen }: { readonly screen: Extract<ScreenState, { state: "accepted" }> }) {
  const { texts } = useStation();
  const direction = screen.direction === "in" ? texts.value.directionIn : texts.value.directionOut;
  return (
    <Notice
      icon={<IconAccepted />}
      label={texts.value.recorded}
      title={
        <span class="direction">
          {direction}
          <IconDirection direction={screen.direction} />
        </span>
      }
    >
      <Person person={screen.person} />
      <Facts time={clockWithSecondsText(screen.atMs)} lane={screen.lane} />
      {screen.remarks.length > 0 && (
        <ul class="remarks">
          {screen.remarks.map((remark) => (
            <li key={remark.vi}>
              <Said sentence={remark} />
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
