import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useId } from "preact/hooks";
import { texts } from "../i18n/texts.ts";

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly optional?: boolean | undefined;
  /** What is wrong with it, or null. */
  readonly fault?: string | null | undefined;
  readonly children: (attributes: {
    readonly id: string;
    readonly "aria-invalid": boolean;
    readonly "aria-describedby": string;
  }) => ComponentChildren;
}

/** A labelled field with its hint and, when something is wrong with it, the sentence that says what. */
export function Field({ label, hint, optional, fault, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label}
        {optional ? <small> ({texts.value.common.optional})</small> : null}
      </label>
      {children({ id, "aria-invalid": Boolean(fault), "aria-describedby": `${id}-hint ${id}-fault` })}
      <small id={`${id}-hint`}>{hint}</small>
      <span id={`${id}-fault`} class="field-fault">
        {fault}
      </span>
    </div>
  );
}

interface TextFieldProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly change: (value: string) => void;
  readonly input?: InputHTMLAttributes<HTMLInputElement> | undefined;
}

export function TextField({ value, change, input, ...field }: TextFieldProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <input
          type="text"
          autoComplete="off"
          {...input}
          {...attributes}
          value={value}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface LongTextFieldProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly change: (value: string) => void;
  readonly lang?: string;
}

export function LongTextField({ value, change, lang, ...field }: LongTextFieldProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <textarea {...attributes} lang={lang} value={value} onInput={(event) => change(event.currentTarget.value)} />
      )}
    </Field>
  );
}

interface SelectFieldProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly change: (value: string) => void;
  readonly options: readonly (readonly [value: string, name: string])[];
}

export function SelectField({ value, change, options, ...field }: SelectFieldProps) {
  return (
    <Field {...field}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => change(event.currentTarget.value)}>
          {options.map(([each, name]) => (
            <option key={each} value={each}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface ChoicesProps {
  readonly legend: string;
  readonly hint?: string;
  readonly value: string;
  readonly change: (value: string) => void;
  readonly options: readonly { readonly value: string; readonly name: string; readonly hint?: string | undefined }[];
}

/** A few choices, all visible. */
export function Choices({ legend, hint, value, change, options }: ChoicesProps) {
  const name = useId();
  return (
    <fieldset class="field">
      <legend>{legend}</legend>
      {hint ? <small>{hint}</small> : null}
      <div class="choices">
        {options.map((option) => (
          <label key={option.value} class="choice">
            <input type="radio" name={name} checked={option.value === value} onChange={() => change(option.value)} />
            <span>
              {option.name}
              {option.hint ? <small>{option.hint}</small> : null}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface TickProps {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly checked: boolean;
  readonly change: (checked: boolean) => void;
  readonly disabled?: boolean;
  readonly required?: boolean;
}

export function Tick({ label, hint, checked, change, disabled, required }: TickProps) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        required={required}
        onChange={(event) => change(event.currentTarget.checked)}
      />
      <span>
        {label}
        {hint ? <small>{hint}</small> : null}
      </span>
    </label>
  );
}
