import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { fill, texts } from "../i18n/texts.ts";
import { useLoaded } from "../load.ts";
import { problemText } from "../problem-text.ts";
import { loadFormerUnits, loadUnits } from "../service.ts";
import { findUnits, type UnitChoice, type UnitIndex } from "../units.ts";

const shownName = ({ name, provinceName }: UnitChoice): string => `${name}, ${provinceName}`;

/**
 * The commune of an address by typing some of its name, with or without marks (WAI-ARIA combobox). A name of before
 * July 2025 leads to what the unit became.
 */
export function UnitFinder({
  chosen,
  choose,
  fault,
}: {
  readonly chosen: UnitChoice | null;
  readonly choose: (unit: UnitChoice | null) => void;
  readonly fault: string | null;
}) {
  const id = useId();
  const t = texts.value;
  const units = useLoaded<UnitIndex>(loadUnits, "units");
  const query = useSignal(chosen ? shownName(chosen) : "");
  const open = useSignal(false);
  const at = useSignal(0);
  const typed = query.value.trim().length >= 2;
  const now = typed && units.value ? findUnits(units.value, query.value) : [];
  // Names of before are looked for only where today's list has none.
  const wantsFormer = open.value && typed && units.value !== null && now.length === 0;
  const former = useLoaded<UnitIndex | null>(
    async () => (wantsFormer ? await loadFormerUnits(query.value) : null),
    wantsFormer ? query.value : "",
  );
  const found = wantsFormer && former.value ? findUnits(former.value, query.value) : now;
  const loading = open.value && typed && (units.value === null || (wantsFormer && former.value === null));
  const problem = units.problem ?? former.problem;

  const take = (unit: UnitChoice) => {
    choose(unit);
    query.value = shownName(unit);
    open.value = false;
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open.value = true;
      const step = event.key === "ArrowDown" ? 1 : -1;
      at.value = Math.max(0, Math.min(found.length - 1, at.value + step));
    } else if (event.key === "Enter" && open.value && found[at.value]) {
      event.preventDefault();
      take(found[at.value] as UnitChoice);
    } else if (event.key === "Escape") open.value = false;
  };

  return (
    <div class="field">
      <label for={id}>{t.place.unit}</label>
      <div class="finder">
        <input
          id={id}
          type="text"
          role="combobox"
          autoComplete="off"
          aria-expanded={open.value && found.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={open.value && found[at.value] ? `${id}-${at.value}` : undefined}
          aria-invalid={Boolean(fault)}
          aria-describedby={`${id}-hint ${id}-fault`}
          value={query.value}
          onFocus={(event) => {
            event.currentTarget.select();
            if (units.problem) void units.reload();
          }}
          onInput={(event) => {
            query.value = event.currentTarget.value;
            at.value = 0;
            open.value = true;
            choose(null);
          }}
          onKeyDown={key}
          onBlur={() => (open.value = false)}
        />
        <div
          id={`${id}-list`}
          class="found"
          role="listbox"
          aria-label={t.place.unit}
          hidden={!open.value || found.length === 0}
        >
          {open.value
            ? found.map((unit, index) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keyboard and moves through the list
                <div
                  key={`${unit.communeCode}${unit.former ?? ""}`}
                  id={`${id}-${index}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={index === at.value}
                  // Before the field loses the focus, which closes the list.
                  onPointerDown={(event) => event.preventDefault()}
                  onClick={() => take(unit)}
                >
                  {shownName(unit)}
                  {unit.former ? <small>{fill(t.place.unitFormer, { name: unit.former })}</small> : null}
                </div>
              ))
            : null}
        </div>
      </div>
      <small id={`${id}-hint`} role="status">
        {problem
          ? problemText(problem, t)
          : loading
            ? t.common.loading
            : open.value && typed
              ? found.length === 0
                ? t.place.unitNone
                : fill(t.place.unitCount, { n: found.length })
              : t.place.unitHint}
      </small>
      <span id={`${id}-fault`} class="field-fault">
        {fault}
      </span>
    </div>
  );
}
