import type { QueueView } from "../../agent/kiosk-port/view.ts";
import { durationText } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { type ReceivedView, useStation } from "../station.ts";
import { Said } from "./shown.tsx";

/**
 * The truth about sending in one line. `oldestAgeS` is the age now, which the caller has run on since the view came;
 * records that wait are always counted, and "online" is never claimed while the agent says otherwise, nor
 * "recording" (`records`) of a machine without a place.
 */
export function queueText(queue: QueueView, records: boolean, oldestAgeS: number | null, texts: Texts): string {
  if (queue.online) return queue.unsent === 0 ? texts.queueAllSent : texts.queueSending(queue.unsent);
  if (queue.unsent === 0) return records ? texts.queueOfflineEmpty : texts.queueNothingRecorded;
  return oldestAgeS === null
    ? texts.queueOfflineNoAge(queue.unsent)
    : texts.queueOffline(queue.unsent, durationText(oldestAgeS, texts));
}

/** Online or not, how much waits and for how long, what the service refused, and why sending does not work. */
export function QueueBadge({ received }: { readonly received: ReceivedView }) {
  const { texts, nowMs } = useStation();
  const { queue, enrolment } = received.view;
  const sinceReceivedS = Math.max(0, (nowMs.value - received.receivedAtMs) / 1_000);
  const oldestAgeS = queue.oldestAgeS === null ? null : queue.oldestAgeS + sinceReceivedS;
  return (
    <section class="queue" aria-label={texts.value.queueLabel}>
      <p class="badge" data-tone={queue.online ? "calm" : "warn"}>
        {queueText(queue, enrolment.records, oldestAgeS, texts.value)}
      </p>
      {queue.quarantined > 0 && (
        <p class="badge" data-tone="alert">
          {texts.value.quarantined(queue.quarantined)}
        </p>
      )}
      {queue.message && (enrolment.records || queue.unsent > 0) && (
        <p class="queue-message">
          <Said sentence={queue.message} />
        </p>
      )}
    </section>
  );
}
