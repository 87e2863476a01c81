import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useStation } from "../station.ts";
import { Keypad } from "./keypad.tsx";

interface NumberEntryProps {
  readonly label: string;
  readonly hint?: string;
  readonly digits: Signal<string>;
  readonly longest: number;
  readonly submitText: string;
  /** The complaint about what was typed, or null when it may be sent. */
  readonly complaint: string | null;
  /** Said by the agent about the last try. */
  readonly message: ComponentChildren;
  readonly disabled?: boolean;
  readonly onSubmit: () => void;
}

/** One number to type, with a hardware keyboard or by touch on the keypad below it; Enter sends it. */
export function NumberEntry(props: NumberEntryProps) {
  const { texts } = useStation();
  const inputId = useId();
  const noteId = useId();
  const input = useRef<HTMLInputElement>(null);
  const { digits, longest, complaint, disabled = false } = props;

  // Each step starts in its field, and so does the next try after an answer.
  useEffect(() => {
    if (!disabled) input.current?.focus();
  }, [disabled]);

  return (
    <form
      class="number-entry"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!disabled) props.onSubmit();
      }}
    >
      <label for={inputId}>{props.label}</label>
      <input
        id={inputId}
        ref={input}
        type="text"
        inputMode="numeric"
        autoComplete="off"
        spellcheck={false}
        aria-describedby={noteId}
        aria-invalid={complaint !== null}
        value={digits.value}
        readOnly={disabled}
        onInput={(event) => {
          // A keyboard reader may type a whole card in here: only digits, and no more than fit, are kept.
          digits.value = event.currentTarget.value.replace(/\D/g, "").slice(0, longest);
          event.currentTarget.value = digits.value;
        }}
      />
      <div class="note" id={noteId} role="status">
        {complaint ? <p class="complaint">{complaint}</p> : (props.message ?? <p>{props.hint}</p>)}
      </div>
      <Keypad
        label={texts.value.keypad}
        deleteLabel={texts.value.keypadDelete}
        disabled={disabled}
        onDigit={(digit) => {
          digits.value = (digits.value + digit).slice(0, longest);
        }}
        onDelete={() => {
          digits.value = digits.value.slice(0, -1);
        }}
      />
      <button type="submit" class="primary wide" disabled={disabled}>
        {props.submitText}
      </button>
    </form>
  );
}
