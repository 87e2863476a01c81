import { useSignal } from "@preact/signals";
import type { KioskView, KnownStaff, StaffRole, StaffView } from "../../agent/kiosk-port/view.ts";
import { clockText, shortDateText } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";
import { dutyText } from "./duty-strip.tsx";
import { Said, Shown } from "./shown.tsx";

const roleText = (role: StaffRole, texts: Texts): string =>
  ({ scanner: texts.roleScanner, supervisor: texts.roleSupervisor, owner: texts.roleOwner })[role];

/** Who is on duty, as what and since when, and the two ways out. */
export function DutySection({ view }: { readonly view: KioskView }) {
  const { texts, send } = useStation();
  const { onDuty, notice } = view.staff;
  return (
    <section>
      <h3>{texts.value.dutyLabel}</h3>
      {notice && (
        <p class="panel-notice">
          <Said sentence={notice} />
        </p>
      )}
      <p>{dutyText(view, texts.value)}</p>
      {onDuty && (
        <>
          <p class="panel-facts">
            {`${roleText(onDuty.role, texts.value)} · `}
            <Shown text={onDuty.phoneMasked} />
            {` · ${texts.value.onDutySince(`${clockText(onDuty.sinceMs)} ${shortDateText(onDuty.sinceMs)}`)}`}
          </p>
          <div class="panel-actions">
            <button type="button" onClick={() => send({ kind: "go-off-duty" })}>
              {texts.value.goOffDuty}
            </button>
            <button type="button" onClick={() => send({ kind: "sign-out" })}>
              {texts.value.signOut}
            </button>
          </div>
          <p class="panel-why">{texts.value.signOutWhy}</p>
        </>
      )}
    </section>
  );
}

/** Everybody this machine knows; a supervisor removes those who come no more. */
export function KnownSection({ staff }: { readonly staff: StaffView }) {
  const { texts } = useStation();
  const others = staff.known.filter(({ id }) => id !== staff.onDuty?.id);
  if (!staff.may.forgetOthers || others.length === 0) return null;
  return (
    <section>
      <h3>{texts.value.knownTitle}</h3>
      <ul class="known">
        {others.map((member) => (
          <KnownItem key={member.id} member={member} />
        ))}
      </ul>
    </section>
  );
}

function KnownItem({ member }: { readonly member: KnownStaff }) {
  const { texts, send } = useStation();
  const asked = useSignal(false);
  const who = member.name ?? member.phoneMasked;
  return (
    <li>
      <span>
        <Shown text={who} />
        <small>
          <Shown text={`${roleText(member.role, texts.value)} · ${member.phoneMasked}`} />
        </small>
      </span>
      <button
        type="button"
        aria-label={asked.value ? undefined : texts.value.forget(who)}
        onClick={() => {
          if (asked.value) send({ kind: "sign-out", staffId: member.id });
          asked.value = true;
        }}
      >
        {asked.value ? texts.value.forgetSure : texts.value.forgetShort}
      </button>
    </li>
  );
}
