interface KeypadProps {
  readonly label: string;
  readonly deleteLabel: string;
  readonly disabled: boolean;
  readonly onDigit: (digit: string) => void;
  readonly onDelete: () => void;
}

const rows = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0"];

/** Digits for touch screens: many kiosks have no keyboard. Not in the tab order, because a keyboard types into the field. */
export function Keypad({ label, deleteLabel, disabled, onDigit, onDelete }: KeypadProps) {
  return (
    <fieldset class="keypad" aria-label={label}>
      {rows.map((digit) =>
        digit === "" ? (
          <span key="gap" />
        ) : (
          <button key={digit} type="button" tabIndex={-1} disabled={disabled} onClick={() => onDigit(digit)}>
            {digit}
          </button>
        ),
      )}
      <button type="button" tabIndex={-1} disabled={disabled} aria-label={deleteLabel} onClick={onDelete}>
        <span aria-hidden="true">⌫</span>
      </button>
    </fieldset>
  );
}
