import type { ScreenState } from "../../agent/kiosk-port/view.ts";
import { IconRepeat } from "../components/icons.tsx";
import { clockText, durationText } from "../i18n/time.ts";
import { useStation } from "../station.ts";
import { Notice } from "./notice.tsx";
import { Facts, Person } from "./person.tsx";

/** Amber: this person is already recorded in this direction; nothing new was written. */
export function RepeatScreen({ screen }: { readonly screen: Extract<ScreenState, { state: "repeat" }> }) {
  const { texts, nowMs } = useStation();
  const ago = durationText((nowMs.value - screen.sinceMs) / 1_000, texts.value);
  return (
    <Notice
      icon={<IconRepeat />}
      title={screen.direction === "in" ? texts.value.repeatIn : texts.value.repeatOut}
      next={texts.value.repeatSince(clockText(screen.sinceMs), ago)}
    >
      <Person person={screen.person} />
      <Facts lane={screen.lane} />
    </Notice>
  );
}
