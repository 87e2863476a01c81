import type { CallProblem } from "../api.ts";
import { fill, language, texts } from "../i18n/texts.ts";
import { useLoaded } from "../load.ts";
import type { Draft } from "../place-draft.ts";
import { fieldText } from "../problem-text.ts";
import { loadKinds } from "../service.ts";
import { LongTextField, SelectField, TextField, Tick } from "./field.tsx";
import { UnitFinder } from "./unit-finder.tsx";

/** Pointers of the fields below, in the names of a place's schema. */
const pointers = [
  "/name",
  "/kind",
  "/phone",
  "/part",
  "/part/label",
  "/address",
  "/address/line",
  "/retention_days",
  "/notice/vi",
  "/notice/en",
  "/policy/rescan_s",
] as const;

export interface DraftProps {
  readonly draft: Draft;
  /** `pointer`: whose fault is mended by it. */
  readonly change: (changed: Partial<Draft>, pointer?: (typeof pointers)[number]) => void;
  readonly problem: CallProblem | null;
}

const faultAt = (problem: CallProblem | null, pointer: (typeof pointers)[number]) =>
  fieldText(problem, pointer, pointers, texts.value);

/** What a place is and where: name, kind, phone, address; for a part also which one. */
export function PlaceFields({
  draft,
  change,
  problem,
  parentName,
}: DraftProps & { readonly parentName: string | null }) {
  const t = texts.value;
  const kinds = useLoaded(loadKinds, "kinds");
  const chosen = kinds.value?.find(({ code }) => code === draft.kind);
  return (
    <>
      {parentName === null ? null : (
        <div class="pair">
          <SelectField
            label={t.place.part}
            value={draft.partType}
            change={(partType) => change({ partType })}
            options={Object.entries(t.part)}
          />
          <TextField
            label={t.place.partLabel}
            hint={t.place.partLabelHint}
            value={draft.partLabel}
            change={(partLabel) => change({ partLabel }, "/part")}
            fault={faultAt(problem, "/part/label") ?? faultAt(problem, "/part")}
            input={{ maxLength: 60 }}
          />
        </div>
      )}
      <TextField
        label={t.place.name}
        hint={t.place.nameHint}
        value={draft.name}
        change={(name) => change({ name }, "/name")}
        fault={faultAt(problem, "/name")}
        input={{ autoComplete: "organization", maxLength: 300 }}
      />
      <div class="pair">
        <SelectField
          label={t.place.kind}
          hint={chosen?.full_view_possible ? t.place.kindFull : undefined}
          value={draft.kind}
          change={(kind) => change({ kind }, "/kind")}
          fault={faultAt(problem, "/kind")}
          options={[
            ["", t.place.kindChoose],
            ...(kinds.value ?? []).map(({ code, names }) => [code, names[language.value]] as const),
          ]}
        />
        <TextField
          label={t.place.phone}
          hint={t.place.phoneHint}
          value={draft.phone}
          change={(phone) => change({ phone }, "/phone")}
          fault={faultAt(problem, "/phone")}
          input={{ type: "tel", inputMode: "tel", autoComplete: "tel", maxLength: 20 }}
        />
      </div>
      {parentName === null ? null : (
        <Tick
          label={fill(t.place.inherit, { name: parentName })}
          checked={draft.inherits}
          change={(inherits) => change({ inherits })}
        />
      )}
      {draft.inherits ? null : (
        <>
          <UnitFinder
            chosen={draft.unit}
            choose={(unit) => change({ unit }, "/address")}
            fault={faultAt(problem, "/address")}
          />
          <TextField
            label={t.place.line}
            value={draft.line}
            change={(line) => change({ line }, "/address/line")}
            fault={faultAt(problem, "/address/line")}
            input={{ autoComplete: "street-address", maxLength: 300 }}
          />
        </>
      )}
    </>
  );
}

/** On what ground, how long and with which notice the place keeps who comes and goes. */
export function PrivacyFields({
  draft,
  change,
  problem,
  noticeHint,
}: DraftProps & { readonly noticeHint: string | undefined }) {
  const t = texts.value;
  return (
    <>
      <div class="pair">
        <SelectField
          label={t.place.legalBasis}
          hint={t.place.legalBasisHint}
          value={draft.legalBasis}
          change={(legalBasis) => change({ legalBasis })}
          options={Object.entries(t.place.legal)}
        />
        {draft.inherits ? null : (
          <TextField
            label={t.place.retention}
            hint={t.place.retentionHint}
            value={draft.retention}
            change={(retention) => change({ retention }, "/retention_days")}
            fault={faultAt(problem, "/retention_days")}
            input={{ inputMode: "numeric", maxLength: 5 }}
          />
        )}
      </div>
      <fieldset class="field">
        <legend>{t.place.notice}</legend>
        <small>{noticeHint ?? t.place.noticeHint}</small>
        <div class="pair">
          <LongTextField
            label={t.place.noticeVi}
            lang="vi"
            value={draft.noticeVi}
            change={(noticeVi) => change({ noticeVi }, "/notice/vi")}
            fault={faultAt(problem, "/notice/vi")}
          />
          <LongTextField
            label={t.place.noticeEn}
            lang="en"
            optional
            value={draft.noticeEn}
            change={(noticeEn) => change({ noticeEn }, "/notice/en")}
            fault={faultAt(problem, "/notice/en")}
          />
        </div>
      </fieldset>
    </>
  );
}

/** What a machine decides by itself. */
export function PolicyFields({ draft, change, problem }: DraftProps) {
  const t = texts.value;
  return (
    <>
      <SelectField
        label={t.settings.lateScans}
        hint={t.settings.lateScansHint}
        value={draft.lateScans}
        change={(lateScans) => change({ lateScans })}
        options={Object.entries(t.settings.late)}
      />
      <Tick
        label={t.settings.expired}
        hint={t.settings.expiredHint}
        checked={draft.recordWhenExpired}
        change={(recordWhenExpired) => change({ recordWhenExpired })}
      />
      <TextField
        label={t.settings.rescan}
        value={draft.rescan}
        change={(rescan) => change({ rescan }, "/policy/rescan_s")}
        fault={faultAt(problem, "/policy/rescan_s")}
        input={{ inputMode: "decimal", maxLength: 5 }}
      />
    </>
  );
}
