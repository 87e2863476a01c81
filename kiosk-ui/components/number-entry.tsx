import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useKeyboard } from "../keyboard/context.ts";
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
  /** Drawn as dots, and a reader that types into it is found out. */
  readonly secret?: boolean;
  readonly onSubmit: () => void;
  /** Other ways on, below the button. */
  readonly children?: ComponentChildren;
}

/** A reader types its characters closer together than this. */
const readerPauseMs = 400;

/**
 * One number to type, with a hardware keyboard or by touch on the keypad below it; Enter sends it. While scans are taken
 * from the keyboard the browser types nothing into the field: the keys that a person typed come from the capture.
 */
export function NumberEntry(props: NumberEntryProps) {
  const { texts } = useStation();
  const { active, onTyped } = useKeyboard();
  const inputId = useId();
  const noteId = useId();
  const input = useRef<HTMLInputElement>(null);
  const { digits, longest, complaint, disabled = false, secret = false } = props;
  const readerTyped = useRef(Number.NEGATIVE_INFINITY);

  // Each step starts in its field, and so does the next try after an answer.
  useEffect(() => {
    if (!disabled) input.current?.focus();
  }, [disabled]);

  /** Of what a reader types no piece may stand for a secret; it is over when nothing came for a moment. */
  const isReader = (text: string): boolean => {
    const now = performance.now();
    const is = secret && (now - readerTyped.current < readerPauseMs || /\D/.test(text) || text.length > longest);
    if (is) readerTyped.current = now;
    return is;
  };

  const submit = () => {
    if (disabled) return;
    if (isReader("")) digits.value = "";
    else props.onSubmit();
  };

  const add = (digit: string) => {
    digits.value = (digits.value + digit).slice(0, longest);
  };
  const removeLast = () => {
    digits.value = digits.value.slice(0, -1);
  };

  useEffect(() =>
    onTyped((key) => {
      if (disabled) return;
      if (key === "Enter") props.onSubmit();
      else if (key === "Backspace") removeLast();
      else if (key !== "Escape") add(key);
    }, true),
  );

  return (
    <form
      class="number-entry"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label for={inputId}>{props.label}</label>
      <input
        id={inputId}
        ref={input}
        {...(secret ? ({ type: "password" } as const) : ({ type: "text" } as const))}
        inputMode="numeric"
        autoComplete="off"
        spellcheck={false}
        aria-describedby={noteId}
        aria-invalid={complaint !== null}
        value={digits.value}
        readOnly={disabled || active.value}
        onInput={(event) => {
          // A keyboard reader may type a whole card in here: only digits, and no more than fit, are kept.
          const typed = event.currentTarget.value;
          digits.value = isReader(typed) ? "" : typed.replace(/\D/g, "").slice(0, longest);
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
        onDigit={add}
        onDelete={removeLast}
      />
      <button type="submit" class="primary wide" disabled={disabled}>
        {props.submitText}
      </button>
      {props.children}
    </form>
  );
}
