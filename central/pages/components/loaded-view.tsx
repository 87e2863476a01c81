import type { ComponentChildren } from "preact";
import { fill, texts } from "../i18n/texts.ts";
import { clockTime } from "../i18n/time.ts";
import type { Loaded } from "../load.ts";
import { problemText } from "../problem-text.ts";

/** Shows what was loaded; while there is nothing yet, that; when nothing newer is to be had, that and its age. */
export function LoadedView<T>({
  loaded,
  children,
}: {
  readonly loaded: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  const t = texts.value;
  const { value, problem } = loaded;
  return (
    <>
      {problem ? (
        <div class="note alert" role="alert">
          <p>
            {problemText(problem, t)} {value === null ? null : fill(t.common.old, { time: clockTime(loaded.at) })}
          </p>
          <div>
            <button type="button" onClick={() => void loaded.reload()}>
              {t.common.retry}
            </button>
          </div>
        </div>
      ) : null}
      {value !== null ? children(value) : problem ? null : <p class="loading">{t.common.loading}</p>}
    </>
  );
}
