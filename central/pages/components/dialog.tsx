import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { texts } from "../i18n/texts.ts";
import { type Attempt, useAttempt } from "../load.ts";
import { fieldText } from "../problem-text.ts";
import { LongTextField } from "./field.tsx";
import { ProblemLine } from "./problem-line.tsx";

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** A window before the page: it keeps the keyboard within it, and Escape closes it. */
export function Dialog({ title, close, children }: DialogProps) {
  const id = useId();
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div class="form">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface DialogButtonsProps {
  /** What the button that submits says. */
  readonly action: string;
  readonly danger?: boolean;
  readonly busy: boolean;
  /** False while something is missing in the form. */
  readonly ready?: boolean;
  readonly close: () => void;
}

/** The end of a form in a dialog: away with it, or do it. */
export function DialogButtons({ action, danger = false, busy, ready = true, close }: DialogButtonsProps) {
  const t = texts.value;
  return (
    <div class="buttons">
      <button type="button" onClick={close}>
        {t.common.cancel}
      </button>
      <button type="submit" class={danger ? "danger" : "primary"} disabled={busy || !ready}>
        {busy ? t.common.busy : action}
      </button>
    </div>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly hint?: string;
  readonly action: string;
  readonly danger?: boolean;
  /** Whether a reason is asked for; it is given to `work`. */
  readonly withReason?: boolean;
  readonly close: () => void;
  readonly work: (reason: string) => Promise<void>;
  readonly children?: ComponentChildren;
}

/** Asks before something that cannot simply be undone. It closes when the work is done, and says why when it is not. */
export function Confirm({ title, hint, action, danger, withReason, close, work, children }: ConfirmProps) {
  const reason = useSignal("");
  const attempt: Attempt = useAttempt();
  const t = texts.value;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (await attempt.run(() => work(reason.value.trim()))) close();
  };
  return (
    <Dialog title={title} close={close}>
      <form onSubmit={(event) => void submit(event)}>
        {hint ? <p>{hint}</p> : null}
        {children}
        {withReason ? (
          <LongTextField
            label={t.common.reason}
            hint={t.common.reasonHint}
            value={reason.value}
            change={(value) => (reason.value = value)}
            fault={fieldText(attempt.problem, "/reason", ["/reason"], t)}
          />
        ) : null}
        <ProblemLine problem={attempt.problem} />
        <DialogButtons
          action={action}
          danger={danger === true}
          busy={attempt.busy}
          ready={withReason !== true || reason.value.trim() !== ""}
          close={close}
        />
      </form>
    </Dialog>
  );
}
