import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Confirm, Dialog, DialogButtons } from "../components/dialog.tsx";
import { useFaultFocus } from "../components/fault-focus.ts";
import { LongTextField, SelectField, TextField } from "../components/field.tsx";
import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { date, dateTime } from "../i18n/time.ts";
import { useAttempt, useLoaded } from "../load.ts";
import { fieldText } from "../problem-text.ts";
import { ask, post, saveFile } from "../service.ts";
import type { NewSubjectRequest, SubjectCorrection, SubjectOutcome, SubjectRequest } from "../wire.ts";

type IdentityField = "citizen_number" | "phone" | "insurance_number";
type Step = "carry-out" | "refuse";
const url = (id: string, step: string): string => `/v1/subject-requests/${encodeURIComponent(id)}:${step}`;

/** What people ask about their own data at the owner's places, with the terms of the law. */
export function Requests() {
  const t = texts.value;
  const requests = useLoaded(
    async () => (await ask<{ items: SubjectRequest[] }>("/v1/subject-requests")).items,
    "requests",
  );
  const adding = useSignal(false);
  const done = useSignal("");
  const outcome = useSignal<SubjectOutcome | null>(null);
  return (
    <div class="narrow">
      <a class="back" href="#/">
        {t.places.title}
      </a>
      <h1 tabIndex={-1}>{t.menu.requests}</h1>
      <p class="quiet">{t.requests.hint}</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => (adding.value = true)}>
          {t.requests.add}
        </button>
      </div>
      <DoneLine text={done.value} />
      <LoadedView loaded={requests}>
        {(items) =>
          items.length === 0 ? (
            <p class="empty">{t.requests.none}</p>
          ) : (
            <ul class="sheet">
              {items.map((request) => (
                <RequestCard
                  key={request.id}
                  request={request}
                  finished={async (result) => {
                    if (result) {
                      done.value = [fill(t.requests.done, { n: result.entries }), ...result.notes].join(" ");
                      outcome.value = result.data ? result : null;
                    }
                    await requests.reload();
                  }}
                />
              ))}
            </ul>
          )
        }
      </LoadedView>
      {adding.value ? (
        <TakeDown
          close={() => (adding.value = false)}
          taken={async () => {
            done.value = "";
            await requests.reload();
          }}
        />
      ) : null}
      {outcome.value ? <Handout outcome={outcome.value} close={() => (outcome.value = null)} /> : null}
    </div>
  );
}

function RequestCard({
  request,
  finished,
}: {
  readonly request: SubjectRequest;
  readonly finished: (outcome: SubjectOutcome | null) => Promise<void>;
}) {
  const t = texts.value;
  const step = useSignal<Step | null>(null);
  const attempt = useAttempt();
  const open = request.state === "received" || request.state === "acknowledged";
  const by = request.state === "received" ? request.acknowledge_by : request.due_by;
  const late = open && Date.parse(by) < Date.now();
  const acknowledge = () =>
    attempt.run(async () => {
      await post(url(request.id, "acknowledge"), {});
      await finished(null);
    });
  const act = t.requests.carryOut[request.kind] ?? "";
  return (
    <li class="card">
      <header class="card-head">
        <h2>
          {t.requests.kinds[request.kind]}: <Outside text={request.subject_masked} />
        </h2>
        <span class={`tag ${request.state === "done" ? "calm" : open ? "warn" : ""}`}>
          {t.requests.states[request.state]}
        </span>
      </header>
      <p>
        <Outside text={request.reason} />
      </p>
      <p class="quiet digits">
        {`${dateTime(request.received_at)} · ${fill(t.requests.found, { n: request.found })}`}
        {open && !late ? (
          <>
            {" · "}
            {fill(request.state === "received" ? t.requests.acknowledgeBy : t.requests.dueBy, { date: date(by) })}
          </>
        ) : null}
      </p>
      {late ? <p class="note alert">{fill(t.requests.overdue, { date: date(by) })}</p> : null}
      <ProblemLine problem={attempt.problem} />
      {open ? (
        <div class="buttons">
          {request.state === "received" ? (
            <button type="button" disabled={attempt.busy} onClick={() => void acknowledge()}>
              {t.requests.acknowledge}
            </button>
          ) : null}
          <button
            type="button"
            class={request.kind === "erase" ? "danger" : "primary"}
            onClick={() => (step.value = "carry-out")}
          >
            {act}
          </button>
          <button type="button" onClick={() => (step.value = "refuse")}>
            {t.requests.refuse}
          </button>
        </div>
      ) : null}
      {step.value === "refuse" ? (
        <Confirm
          title={t.requests.refuseTitle}
          action={t.requests.refuse}
          danger
          withReason
          close={() => (step.value = null)}
          work={async (reason) => {
            await post(url(request.id, "refuse"), { reason });
            await finished(null);
          }}
        />
      ) : null}
      {step.value === "carry-out" ? (
        <CarryOut request={request} action={act} close={() => (step.value = null)} finished={finished} />
      ) : null}
    </li>
  );
}

function CarryOut({
  request,
  action,
  close,
  finished,
}: {
  readonly request: SubjectRequest;
  readonly action: string;
  readonly close: () => void;
  readonly finished: (outcome: SubjectOutcome) => Promise<void>;
}) {
  const t = texts.value;
  const correction = useSignal<SubjectCorrection>({});
  const set = (field: keyof SubjectCorrection) => (typed: string) => {
    const { [field]: _before, ...rest } = correction.value;
    correction.value = typed.trim() === "" ? rest : { ...rest, [field]: typed.trim() };
  };
  const work = async () => {
    const body = request.kind === "correct" ? { correction: correction.value } : {};
    await finished(await post<SubjectOutcome>(url(request.id, "carry-out"), body));
  };
  const title =
    request.kind === "erase"
      ? fill(t.requests.eraseTitle, { n: request.found, subject: request.subject_masked })
      : request.kind === "correct"
        ? fill(t.requests.correctTitle, { subject: request.subject_masked })
        : `${action}: ${request.subject_masked}`;
  const hint = { erase: t.requests.eraseHint, correct: t.requests.correctHint, access: "", export: "" }[request.kind];
  return (
    <Confirm title={title} hint={hint} action={action} danger={request.kind === "erase"} close={close} work={work}>
      {request.kind === "correct" ? (
        <>
          <TextField
            label={t.requests.correctName}
            optional
            value={correction.value.full_name ?? ""}
            change={set("full_name")}
            input={{ maxLength: 200 }}
          />
          <TextField
            label={t.requests.correctBirth}
            optional
            value={correction.value.date_of_birth ?? ""}
            change={set("date_of_birth")}
            input={{ maxLength: 10, inputMode: "numeric" }}
          />
          <TextField
            label={t.requests.correctAddress}
            optional
            value={correction.value.address ?? ""}
            change={set("address")}
            input={{ maxLength: 500 }}
          />
        </>
      ) : null}
    </Confirm>
  );
}

/** What is kept of the person, to be shown or handed over. */
function Handout({ outcome, close }: { readonly outcome: SubjectOutcome; readonly close: () => void }) {
  const t = texts.value;
  const entries = outcome.data?.entries ?? [];
  const save = () => {
    const bytes = new Blob([JSON.stringify(outcome.data, null, 2)], { type: "application/json" });
    saveFile(bytes, `tram-qr-${outcome.request.id}.json`);
  };
  return (
    <Dialog title={t.requests.data} close={close}>
      <ul class="rows">
        {entries.map((entry) => (
          <li key={entry.entry_id}>
            <span class="who">
              <strong>
                <Outside text={entry.place_name} />
              </strong>
              <small class="digits">{`${t.live[entry.direction]} · ${dateTime(entry.at)} · ${t.kinds[entry.code_kind] ?? entry.code_kind}`}</small>
              <small>
                <Outside
                  text={Object.values(entry.fields)
                    .flat()
                    .filter((value) => typeof value === "string")
                    .join(" · ")}
                />
              </small>
            </span>
          </li>
        ))}
      </ul>
      <div class="buttons">
        <button type="button" onClick={close}>
          {t.common.close}
        </button>
        <button type="button" class="primary" onClick={save}>
          {t.requests.carryOut.export}
        </button>
      </div>
    </Dialog>
  );
}

function TakeDown({ close, taken }: { readonly close: () => void; readonly taken: () => Promise<void> }) {
  const t = texts.value;
  const id = useSignal(crypto.randomUUID());
  const kind = useSignal<SubjectRequest["kind"]>("access");
  const by = useSignal<IdentityField>("citizen_number");
  const number = useSignal("");
  const reason = useSignal("");
  const attempt = useAttempt();
  const form = useRef<HTMLFormElement>(null);
  useFaultFocus(form, attempt.problem);
  const pointer = `/subject/${by.value}`;
  const pointers = [pointer, "/reason"];
  const submit = async (event: Event) => {
    event.preventDefault();
    const body: NewSubjectRequest = {
      id: id.value,
      kind: kind.value,
      subject: { [by.value]: number.value.replace(/[\s.-]/g, "") },
      reason: reason.value.trim(),
    };
    const made = await attempt.run(async () => {
      await post("/v1/subject-requests", body);
      await taken();
    });
    if (made) close();
  };
  return (
    <Dialog title={t.requests.add} close={close}>
      <form ref={form} noValidate onSubmit={(event) => void submit(event)}>
        <SelectField
          label={t.requests.kind}
          value={kind.value}
          change={(value) => (kind.value = value as SubjectRequest["kind"])}
          options={Object.entries(t.requests.kinds)}
        />
        <SelectField
          label={t.requests.by}
          value={by.value}
          change={(value) => (by.value = value as IdentityField)}
          options={Object.entries(t.requests.bys)}
        />
        <TextField
          label={t.requests.number}
          value={number.value}
          change={(value) => (number.value = value)}
          fault={fieldText(attempt.problem, pointer, pointers, t)}
          input={{ maxLength: 30 }}
        />
        <LongTextField
          label={t.requests.reason}
          value={reason.value}
          change={(value) => (reason.value = value)}
          fault={fieldText(attempt.problem, "/reason", pointers, t)}
        />
        <ProblemLine problem={attempt.problem} />
        <DialogButtons
          action={t.requests.submit}
          busy={attempt.busy}
          ready={number.value.trim() !== "" && reason.value.trim() !== ""}
          close={close}
        />
      </form>
    </Dialog>
  );
}
