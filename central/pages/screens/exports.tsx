import { useSignal } from "@preact/signals";
import { CallProblem } from "../api.ts";
import { Choices, SelectField, TextField, Tick } from "../components/field.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { dayIn, startOfDay } from "../i18n/time.ts";
import { useAttempt } from "../load.ts";
import { fieldText } from "../problem-text.ts";
import { download, placeUrl } from "../service.ts";
import type { PlaceProps } from "./place-page.tsx";

const weekMs = 7 * 86_400_000;
const mostDays = 366;

/** Entries of a period as a file. Days are whole days of Vietnam, the last one included. */
export function Exports({ place }: PlaceProps) {
  const t = texts.value;
  const format = useSignal("xlsx");
  const first = useSignal(dayIn(Date.now() - weekMs));
  const last = useSignal(dayIn(Date.now()));
  const direction = useSignal("");
  const children = useSignal(false);
  /** Empty: masked. */
  const purpose = useSignal("");
  const done = useSignal("");
  const attempt = useAttempt();
  const get = (event: Event) => {
    event.preventDefault();
    void attempt.run(async () => {
      done.value = "";
      const from = startOfDay(first.value);
      const to = startOfDay(last.value, 1);
      const days = from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / 86_400_000;
      if (days < 1 || days > mostDays) {
        throw new CallProblem("validation", { errors: [{ pointer: "/to", code: "range" }] });
      }
      const file = await download(
        placeUrl(place.id, "/exports"),
        {
          format: format.value,
          from,
          to,
          ...(direction.value === "" ? {} : { direction: direction.value }),
          ...(children.value ? { include_children: true } : {}),
          ...(purpose.value === "" ? {} : { view: "full", purpose: purpose.value }),
        },
        `tram-qr-${first.value}-${last.value}.${format.value}`,
      );
      done.value = fill(t.exports.done, { file });
    });
  };
  const wrong = attempt.problem?.errors.some(({ code }) => code === "range") ? t.exports.range : null;
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.exports}</h1>
      </header>
      <p>{purpose.value === "" ? t.exports.hint : t.live.fullHint}</p>
      <form class="card" noValidate onSubmit={get}>
        <div class="pair">
          <TextField
            label={t.exports.from}
            value={first.value}
            change={(value) => (first.value = value)}
            fault={wrong ? null : fieldText(attempt.problem, "/from", ["/from", "/to"], t)}
            input={{ type: "date", max: dayIn(Date.now()) }}
          />
          <TextField
            label={t.exports.to}
            value={last.value}
            change={(value) => (last.value = value)}
            fault={wrong ?? fieldText(attempt.problem, "/to", ["/from", "/to"], t)}
            input={{ type: "date", max: dayIn(Date.now()) }}
          />
        </div>
        <div class="pair">
          <Choices
            legend={t.exports.format}
            value={format.value}
            change={(value) => (format.value = value)}
            options={["xlsx", "csv", "json"].map((value) => ({ value, name: t.exports.formats[value] ?? value }))}
          />
          <div class="sheet">
            <SelectField
              label={t.live.direction}
              value={direction.value}
              change={(value) => (direction.value = value)}
              options={[
                ["", t.live.all],
                ["in", t.live.in],
                ["out", t.live.out],
              ]}
            />
            {place.full_view ? (
              <SelectField
                label={t.live.full}
                hint={t.live.fullHint}
                value={purpose.value}
                change={(value) => (purpose.value = value)}
                options={[["", t.exports.masked], ...Object.entries(t.live.purposes)]}
              />
            ) : null}
            {place.children.length > 0 ? (
              <Tick label={t.live.children} checked={children.value} change={(value) => (children.value = value)} />
            ) : null}
          </div>
        </div>
        <ProblemLine problem={wrong ? null : attempt.problem} />
        <DoneLine text={done.value} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={attempt.busy}>
            {attempt.busy ? t.common.loading : t.exports.download}
          </button>
        </div>
      </form>
    </>
  );
}
