import type { RecentEntry } from "../../agent/kiosk-port/view.ts";
import { CameraSwitch } from "../camera/camera-switch.tsx";
import { clockText } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { useKeyboard } from "../keyboard/context.ts";
import { KeyboardAdvice } from "../keyboard/keyboard-notice.tsx";
import { useStation } from "../station.ts";
import { DutySection, KnownSection } from "./duty-section.tsx";
import { IconDirection } from "./icons.tsx";
import { Panel } from "./panel.tsx";
import { QueueBadge } from "./queue-badge.tsx";
import { ReaderItem } from "./reader-strip.tsx";
import { ReaderTestDoor } from "./reader-test-door.tsx";
import { Shown } from "./shown.tsx";
import { UnusableReader } from "./unusable-reader.tsx";

/** For staff: who is on duty, what waits, each reader in full, and the masked entries of the last minutes. */
export function StaffPanel({ onClose }: { readonly onClose: () => void }) {
  const { received, texts, send } = useStation();
  const { used } = useKeyboard();
  if (!received.value) return null;
  const { staff, readers, unusable, recent } = received.value.view;
  return (
    <Panel title={texts.value.staffTitle} onClose={onClose}>
      <DutySection view={received.value.view} />
      <section>
        <h3>{texts.value.queueLabel}</h3>
        <QueueBadge received={received.value} />
      </section>
      <section>
        <h3>{texts.value.readersLabel}</h3>
        {readers.length + unusable.length === 0 && <p>{texts.value.readersNone}</p>}
        <ul class="reader-list">
          {unusable.map((device) => (
            <UnusableReader key={device.id} device={device} />
          ))}
          {readers.map((reader) => (
            <ReaderItem key={reader.id} reader={reader} withAdvice>
              {staff.may.testReaders && (
                <ReaderTestDoor readerId={reader.id} readerName={reader.name} onOpen={onClose} />
              )}
            </ReaderItem>
          ))}
        </ul>
        <KeyboardAdvice />
        {!staff.may.testReaders && <p class="panel-why">{texts.value.testNeedsSupervisor}</p>}
        {used.value && staff.may.testReaders && (
          <ReaderTestDoor readerId="page:keyboard" readerName={texts.value.testKeyboard} onOpen={onClose} />
        )}
      </section>
      {staff.may.enrolAgain && (
        <section>
          <button
            type="button"
            onClick={() => {
              send({ kind: "allow-enrolment" });
              onClose();
            }}
          >
            {texts.value.enrolAgain}
          </button>
        </section>
      )}
      <CameraSwitch />
      <section>
        <h3>{texts.value.recentTitle}</h3>
        {recent.length === 0 ? (
          <p>{staff.onDuty ? texts.value.recentEmpty : texts.value.recentSignedOut}</p>
        ) : (
          <ol class="recent">
            {recent.map((entry) => (
              <RecentItem key={entry.entryId} entry={entry} texts={texts.value} />
            ))}
          </ol>
        )}
      </section>
      <KnownSection staff={staff} />
      <p class="panel-why">{texts.value.keyBackend(staff.keyBackend)}</p>
    </Panel>
  );
}

const entryStateText = (state: RecentEntry["state"], texts: Texts): string =>
  ({
    unsent: texts.entryUnsent,
    stored: texts.entryStored,
    duplicate: texts.entryDuplicate,
    quarantined: texts.entryQuarantined,
  })[state];

function RecentItem({ entry, texts }: { readonly entry: RecentEntry; readonly texts: Texts }) {
  return (
    <li data-state={entry.state}>
      <time>{clockText(entry.atMs)}</time>
      <span class="recent-direction">
        <IconDirection direction={entry.direction} />
        {entry.direction === "in" ? texts.directionIn : texts.directionOut}
      </span>
      <span class="recent-person">
        <Shown text={entry.person.name ?? texts.nameUnreadable} />
        {entry.person.number && (
          <small>
            <Shown text={entry.person.number} />
          </small>
        )}
      </span>
      <span class="recent-state">{entryStateText(entry.state, texts)}</span>
    </li>
  );
}
