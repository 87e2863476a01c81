import { useSignal } from "@preact/signals";
import { Confirm } from "../components/dialog.tsx";
import { Choices } from "../components/field.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { date } from "../i18n/time.ts";
import { useAttempt } from "../load.ts";
import { download, keepPlace, placeUrl, post } from "../service.ts";
import type { Place } from "../wire.ts";
import type { PlaceProps } from "./place-page.tsx";

/** The place's code as a page to print. */
export function Poster({ place, loaded }: PlaceProps) {
  const t = texts.value;
  const format = useSignal("pdf");
  const size = useSignal("A4");
  const words = useSignal("both");
  const asking = useSignal(false);
  const done = useSignal("");
  const attempt = useAttempt();
  const get = (event: Event) => {
    event.preventDefault();
    void attempt.run(async () => {
      done.value = "";
      const file = await download(
        placeUrl(place.id, "/poster"),
        { format: format.value, size: size.value, language: words.value },
        `tram-qr-${size.value}.${format.value}`,
      );
      done.value = fill(t.poster.done, { file });
    });
  };
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.poster}</h1>
      </header>
      <p>{t.poster.hint}</p>
      {place.place_code ? (
        <p class="quiet digits">
          {fill(t.poster.number, { n: place.place_code.number, date: date(place.place_code.issued_on) })}
        </p>
      ) : null}
      <form class="card" onSubmit={get}>
        <div class="pair">
          <Choices
            legend={t.poster.size}
            value={size.value}
            change={(value) => (size.value = value)}
            options={["A4", "A5"].map((value) => ({ value, name: value }))}
          />
          <Choices
            legend={t.poster.format}
            value={format.value}
            change={(value) => (format.value = value)}
            options={Object.entries(t.poster.formats).map(([value, name]) => ({ value, name }))}
          />
          <Choices
            legend={t.poster.language}
            value={words.value}
            change={(value) => (words.value = value)}
            options={["both", "vi", "en"].map((value) => ({ value, name: t.poster.languages[value] ?? value }))}
          />
        </div>
        <ProblemLine problem={attempt.problem} />
        <DoneLine text={done.value} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={attempt.busy}>
            {attempt.busy ? t.common.loading : t.poster.download}
          </button>
          {place.role === "owner" ? (
            <button type="button" onClick={() => (asking.value = true)}>
              {t.poster.reissue}
            </button>
          ) : null}
        </div>
      </form>
      {asking.value ? (
        <Confirm
          title={t.poster.reissueTitle}
          hint={t.poster.reissueHint}
          action={t.poster.reissue}
          danger
          withReason
          close={() => (asking.value = false)}
          work={async (reason) => {
            keepPlace(await post<Place>(placeUrl(place.id, ":reissue-code"), { reason }));
            await loaded.reload();
            done.value = t.poster.reissued;
          }}
        />
      ) : null}
    </>
  );
}
