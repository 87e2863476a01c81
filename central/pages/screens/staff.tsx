import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { CallProblem, problemOf } from "../api.ts";
import { Confirm, Dialog, DialogButtons } from "../components/dialog.tsx";
import { useFaultFocus } from "../components/fault-focus.ts";
import { Choices, TextField, Tick } from "../components/field.tsx";
import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { date, dateTime, dayIn, endOfDay } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { useAttempt, useLoaded } from "../load.ts";
import { fieldText, problemText } from "../problem-text.ts";
import { ask, placeUrl, post } from "../service.ts";
import { putAway, removals, removeStaff } from "../staff-removal.ts";
import type { NewStaff, StaffChange, StaffMember } from "../wire.ts";
import type { PlaceProps } from "./place-page.tsx";

/** Rights of a staff member as the form holds them. */
interface Rights {
  readonly role: StaffMember["role"];
  readonly fullView: boolean;
  readonly children: boolean;
  /** Last day of the right, or empty. */
  readonly lastDay: string;
}

const noRights: Rights = { role: "scanner", fullView: false, children: false, lastDay: "" };

const rightsOf = (member: StaffMember): Rights => ({
  role: member.role,
  fullView: member.full_view,
  children: member.include_children,
  lastDay: member.valid_to === null ? "" : dayIn(member.valid_to),
});

/** @throws CallProblem at the field when the day is none. */
function wireRights(rights: Rights): Required<StaffChange> {
  const validTo = rights.lastDay === "" ? null : endOfDay(rights.lastDay);
  if (rights.lastDay !== "" && (validTo === null || Date.parse(validTo) < Date.now())) {
    throw new CallProblem("validation", { errors: [{ pointer: "/valid_to", code: "past" }] });
  }
  return { role: rights.role, full_view: rights.fullView, include_children: rights.children, valid_to: validTo };
}

/** `Giám sát, được xem thông tin đầy đủ, đến hết 02/03/2026`. */
function rightsText(member: StaffMember, t: Texts): string {
  return [
    t.role[member.role],
    member.full_view ? t.staff.fullView : null,
    member.include_children ? t.staff.children : null,
    member.valid_to === null ? null : fill(t.staff.until, { date: date(member.valid_to) }),
  ]
    .filter((part) => part !== null)
    .join(", ");
}

/** Who may work at the place: adding, changing and removing. */
export function Staff({ place }: PlaceProps) {
  const t = texts.value;
  const staff = useLoaded(
    async () => (await ask<{ items: StaffMember[] }>(placeUrl(place.id, "/staff"))).items,
    place.id,
  );
  const adding = useSignal(false);
  const editing = useSignal<string | null>(null);
  const leaving = useSignal<StaffMember | null>(null);
  const done = useSignal("");
  const waiting = removals.value.filter(({ placeId }) => placeId === place.id);
  const edited = staff.value?.find(({ staff_id }) => staff_id === editing.value);
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.staff}</h1>
        <button type="button" class="primary" onClick={() => (adding.value = true)}>
          {t.staff.add}
        </button>
      </header>
      <DoneLine text={done.value} />
      {waiting.map((removal) => (
        <div key={removal.staffId} class={`note ${removal.problem ? "alert" : "warn"}`} role="alert">
          <p>
            {removal.problem
              ? fill(t.staff.notRemoved, { name: removal.name, why: problemText(removal.problem, t) })
              : `${removal.name}: ${t.staff.removing}`}
          </p>
          {removal.problem ? (
            <div>
              <button type="button" onClick={() => putAway(removal.staffId)}>
                {t.common.cancel}
              </button>
            </div>
          ) : null}
        </div>
      ))}
      <LoadedView loaded={staff}>
        {(members) =>
          members.length === 0 ? (
            <p class="empty">{t.staff.none}</p>
          ) : (
            <ul class="rows">
              {members.map((member) => (
                <Member
                  key={member.staff_id}
                  member={member}
                  edit={() => (editing.value = member.staff_id)}
                  remove={() => (leaving.value = member)}
                />
              ))}
            </ul>
          )
        }
      </LoadedView>
      {adding.value ? (
        <AddStaff
          place={place}
          close={() => (adding.value = false)}
          added={(name) => {
            done.value = fill(t.staff.added, { name });
            void staff.reload();
          }}
          editInstead={(staffId) => {
            adding.value = false;
            editing.value = staffId;
            void staff.reload();
          }}
        />
      ) : null}
      {edited ? (
        <EditStaff
          key={edited.staff_id}
          place={place}
          member={edited}
          close={() => (editing.value = null)}
          reload={staff.reload}
        />
      ) : null}
      {leaving.value ? (
        <Confirm
          title={fill(t.staff.removeTitle, { name: leaving.value.display_name })}
          hint={t.staff.removeHint}
          action={t.staff.remove}
          danger
          close={() => (leaving.value = null)}
          work={async () => {
            const member = leaving.value;
            if (!member) return;
            done.value = "";
            // It goes on by itself while the service cannot be reached; the page says so.
            void removeStaff({ placeId: place.id, staffId: member.staff_id, name: member.display_name }).then(
              async (gone) => {
                if (gone) done.value = fill(texts.value.staff.removed, { name: member.display_name });
                await staff.reload();
              },
            );
          }}
        />
      ) : null}
    </>
  );
}

function Member({
  member,
  edit,
  remove,
}: {
  readonly member: StaffMember;
  readonly edit: () => void;
  readonly remove: () => void;
}) {
  const t = texts.value;
  return (
    <li>
      <span class="who">
        <strong>
          <Outside text={member.display_name} />
        </strong>
        <small class="digits">{member.phone_masked}</small>
        <small>
          {member.last_seen === null ? t.staff.never : fill(t.staff.lastSeen, { time: dateTime(member.last_seen) })}
        </small>
      </span>
      <span class="tags">
        <span class="tag">{t.role[member.role]}</span>
        {member.full_view ? <span class="tag warn">{t.staff.fullView}</span> : null}
        {member.include_children ? <span class="tag">{t.staff.children}</span> : null}
        {member.valid_to === null ? null : (
          <span class="tag">{fill(t.staff.until, { date: date(member.valid_to) })}</span>
        )}
      </span>
      <span class="buttons">
        <button type="button" aria-label={`${t.staff.edit}: ${member.display_name}`} onClick={edit}>
          {t.staff.edit}
        </button>
        <button type="button" class="danger" aria-label={`${t.staff.remove}: ${member.display_name}`} onClick={remove}>
          {t.staff.remove}
        </button>
      </span>
    </li>
  );
}

function RightsFields({
  place,
  rights,
  change,
  problem,
}: {
  readonly place: PlaceProps["place"];
  readonly rights: Rights;
  readonly change: (changed: Partial<Rights>) => void;
  readonly problem: CallProblem | null;
}) {
  const t = texts.value;
  const roles = place.role === "owner" ? (["scanner", "supervisor", "owner"] as const) : (["scanner"] as const);
  return (
    <>
      <Choices
        legend={t.staff.role}
        value={rights.role}
        change={(role) => change({ role: role as Rights["role"] })}
        options={roles.map((role) => ({ value: role, name: t.role[role] ?? role, hint: t.staff.roleHint[role] }))}
      />
      <Tick
        label={t.staff.fullView}
        hint={place.policy.full_view ? t.staff.fullViewHint : t.staff.fullViewNot}
        checked={rights.fullView}
        disabled={!place.policy.full_view && !rights.fullView}
        change={(fullView) => change({ fullView })}
      />
      {place.children.length > 0 ? (
        <Tick label={t.staff.children} checked={rights.children} change={(children) => change({ children })} />
      ) : null}
      <TextField
        label={t.staff.validTo}
        optional
        value={rights.lastDay}
        change={(lastDay) => change({ lastDay })}
        fault={fieldText(problem, "/valid_to", ["/valid_to"], t)}
        input={{ type: "date", min: dayIn(Date.now()) }}
      />
    </>
  );
}

function AddStaff({
  place,
  close,
  added,
  editInstead,
}: {
  readonly place: PlaceProps["place"];
  readonly close: () => void;
  readonly added: (name: string) => void;
  readonly editInstead: (staffId: string) => void;
}) {
  const t = texts.value;
  const id = useSignal(crypto.randomUUID());
  const phone = useSignal("");
  const name = useSignal("");
  const rights = useSignal(noRights);
  const attempt = useAttempt();
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, attempt.problem);
  const pointers = ["/phone", "/display_name", "/valid_to"];
  const add = async (event: Event) => {
    event.preventDefault();
    const body: NewStaff = {
      id: id.value,
      phone: phone.value,
      display_name: name.value.trim(),
      role: rights.value.role,
    };
    const sent = await attempt.run(async () => {
      const wanted = wireRights(rights.value);
      try {
        await post(placeUrl(place.id, "/staff"), {
          ...body,
          ...(wanted.full_view ? { full_view: true } : {}),
          ...(wanted.include_children ? { include_children: true } : {}),
          ...(wanted.valid_to === null ? {} : { valid_to: wanted.valid_to }),
        });
      } catch (error) {
        // An answer was lost and the form changed since: what is asked for now is another grant.
        if (problemOf(error).problem === "id_conflict") id.value = crypto.randomUUID();
        throw error;
      }
    });
    if (!sent) return;
    added(body.display_name);
    close();
  };
  const there = attempt.problem?.problem === "already_staff" ? attempt.problem.staffId : "";
  return (
    <Dialog title={t.staff.add} close={close}>
      <form ref={form} noValidate onSubmit={(event) => void add(event)}>
        <TextField
          label={t.signIn.phone}
          value={phone.value}
          change={(value) => {
            phone.value = value;
            attempt.mended("/phone");
          }}
          fault={fieldText(attempt.problem, "/phone", pointers, t)}
          input={{ type: "tel", inputMode: "tel", placeholder: "0912 345 678", maxLength: 20 }}
        />
        <TextField
          label={t.staff.name}
          value={name.value}
          change={(value) => {
            name.value = value;
            attempt.mended("/display_name");
          }}
          fault={fieldText(attempt.problem, "/display_name", pointers, t)}
          input={{ maxLength: 100 }}
        />
        <RightsFields
          place={place}
          rights={rights.value}
          change={(changed) => (rights.value = { ...rights.value, ...changed })}
          problem={attempt.problem}
        />
        <ProblemLine problem={attempt.problem} />
        {there ? (
          <button type="button" onClick={() => editInstead(there)}>
            {t.staff.alreadyEdit}
          </button>
        ) : null}
        <DialogButtons action={t.staff.add} busy={attempt.busy} close={close} />
      </form>
    </Dialog>
  );
}

function EditStaff({
  place,
  member,
  close,
  reload,
}: {
  readonly place: PlaceProps["place"];
  readonly member: StaffMember;
  readonly close: () => void;
  readonly reload: () => Promise<void>;
}) {
  const t = texts.value;
  const rights = useSignal(rightsOf(member));
  const attempt = useAttempt();
  const save = async (event: Event) => {
    event.preventDefault();
    const saved = await attempt.run(async () => {
      try {
        await ask<StaffMember>(placeUrl(place.id, `/staff/${encodeURIComponent(member.staff_id)}`), {
          method: "PATCH",
          body: wireRights(rights.value),
          ifMatch: member.version,
        });
      } catch (error) {
        // What is there now is shown in its place.
        if (problemOf(error).problem === "version_changed") await reload();
        throw error;
      }
      await reload();
    });
    if (saved) close();
  };
  return (
    <Dialog title={`${t.staff.edit}: ${member.display_name}`} close={close}>
      <form noValidate onSubmit={(event) => void save(event)}>
        <RightsFields
          place={place}
          rights={rights.value}
          change={(changed) => (rights.value = { ...rights.value, ...changed })}
          problem={attempt.problem}
        />
        {attempt.problem?.problem === "version_changed" ? (
          <p class="note warn" role="alert">
            {t.staff.changed} <strong>{`${t.place.changedTheirs}: ${rightsText(member, t)}`}</strong>
          </p>
        ) : (
          <ProblemLine problem={attempt.problem} />
        )}
        <DialogButtons action={t.common.save} busy={attempt.busy} close={close} />
      </form>
    </Dialog>
  );
}
