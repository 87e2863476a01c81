import { useSignal } from "@preact/signals";
import type { ScreenState } from "../../agent/kiosk-port/view.ts";
import { IconAsk } from "../components/icons.tsx";
import { Said } from "../components/shown.tsx";
import { useStation } from "../station.ts";
import { Notice } from "./notice.tsx";
import { Facts, Person } from "./person.tsx";

// The agent draws the next screen at once; buttons that come back mean the answer did not arrive.
const answerWaitMs = 3_000;

/** Yellow: a person must decide. No button has the focus, so a keyboard reader's Enter cannot decide for them. */
export function AskScreen({ screen }: { readonly screen: Extract<ScreenState, { state: "ask" }> }) {
  const { texts, send } = useStation();
  const answered = useSignal(false);
  const answer = (accept: boolean) => {
    answered.value = true;
    setTimeout(() => {
      answered.value = false;
    }, answerWaitMs);
    send({ kind: "answer", scanId: screen.scanId, accept });
  };
  const direction = screen.direction === "in" ? texts.value.directionIn : texts.value.directionOut;
  return (
    <Notice
      icon={<IconAsk />}
      label={`${texts.value.askLabel} · ${direction}`}
      title={<Said sentence={screen.title} />}
      next={<Said sentence={screen.next} />}
    >
      <Person person={screen.person} />
      <Facts lane={screen.lane} />
      <div class="choices">
        <button type="button" class="confirm" disabled={answered.value} onClick={() => answer(true)}>
          {texts.value.askConfirm}
        </button>
        <button type="button" disabled={answered.value} onClick={() => answer(false)}>
          {texts.value.askSkip}
        </button>
      </div>
    </Notice>
  );
}
