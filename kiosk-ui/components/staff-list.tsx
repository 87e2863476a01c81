import type { KnownStaff, Sentence, StaffView } from "../../agent/kiosk-port/view.ts";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";
import { Complaint, Said, Shown } from "./shown.tsx";

interface StaffListProps {
  readonly staff: StaffView;
  /** Why the last try did not do. */
  readonly message: Sentence | null;
  readonly onByPhone: () => void;
}

/** The names this machine knows, who was on duty last first: one touch, then the PIN. */
export function StaffList({ staff, message, onByPhone }: StaffListProps) {
  const { texts, send } = useStation();
  return (
    <>
      {staff.notice && (
        <p class="panel-notice">
          <Said sentence={staff.notice} />
        </p>
      )}
      {message ? <Complaint sentence={message} /> : <p class="panel-lead">{texts.value.shiftChoose}</p>}
      <ul class="staff-list">
        {staff.known.map((member) => {
          const isOnDuty = member.id === staff.onDuty?.id;
          return (
            <li key={member.id}>
              <button
                type="button"
                class="staff-choice"
                disabled={isOnDuty && !staff.onDuty?.expired}
                onClick={() => (member.pin === "set" ? send({ kind: "take-over", staffId: member.id }) : onByPhone())}
              >
                <strong>
                  <Shown text={member.name ?? member.phoneMasked} />
                </strong>
                <small>
                  <Shown text={member.phoneMasked} />
                  {stateText(member, isOnDuty, texts.value)}
                </small>
              </button>
            </li>
          );
        })}
      </ul>
      <button type="button" class="wide" onClick={onByPhone}>
        {texts.value.shiftOtherPhone}
      </button>
    </>
  );
}

function stateText({ pin }: KnownStaff, isOnDuty: boolean, texts: Texts): string {
  if (isOnDuty) return ` · ${texts.shiftOnDutyNow}`;
  return { set: "", none: ` · ${texts.shiftNeedsCode}`, locked: ` · ${texts.shiftPinLocked}` }[pin];
}
