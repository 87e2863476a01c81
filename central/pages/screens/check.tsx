import { useSignal } from "@preact/signals";
import { call } from "../api.ts";
import { LongTextField } from "../components/field.tsx";
import { Outside } from "../components/outside-text.tsx";
import { ProblemLine } from "../components/problem-line.tsx";
import { StateTag } from "../components/state-tag.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { date } from "../i18n/time.ts";
import { useAttempt } from "../load.ts";
import type { CodeAnswer } from "../wire.ts";

const colour: Record<CodeAnswer["verdict"], string> = {
  genuine: "calm",
  outdated: "warn",
  forged: "alert",
  foreign: "warn",
  unknown: "warn",
};

/** "Kiểm tra mã QR": whether a text is a current code of a place, for anybody. */
export function Check({ signedIn }: { readonly signedIn: boolean }) {
  const t = texts.value;
  const code = useSignal("");
  const answer = useSignal<CodeAnswer | null>(null);
  const attempt = useAttempt();
  const check = (event?: Event) => {
    event?.preventDefault();
    void attempt.run(async () => {
      answer.value = null;
      const body = { text: code.value.trim() };
      answer.value = (await call("/v1/place-codes:check", { method: "POST", body })) as CodeAnswer;
    });
  };
  const found = answer.value;
  return (
    <div class="narrow">
      <a class="back" href="#/">
        {signedIn ? t.places.title : t.signIn.title}
      </a>
      <h1 tabIndex={-1}>{t.check.title}</h1>
      <p>{t.check.hint}</p>
      <form class="card" onSubmit={check}>
        <LongTextField
          label={t.check.text}
          value={code.value}
          change={(value) => {
            code.value = value.slice(0, 2000);
            answer.value = null;
            // A reader ends what it types with Enter.
            if (value.endsWith("\n") && value.trim() !== "") check();
          }}
        />
        <ProblemLine problem={attempt.problem} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={attempt.busy || code.value.trim() === ""}>
            {attempt.busy ? t.common.busy : t.check.submit}
          </button>
        </div>
      </form>
      <div role="status">
        {found ? (
          <div class={`note ${colour[found.verdict]}`}>
            <h2>{t.check.verdict[found.verdict]}</h2>
            <p>{t.check.advice[found.verdict]}</p>
            {found.place ? (
              <div>
                <p>
                  <strong>
                    <Outside text={found.place.name} />
                  </strong>{" "}
                  <StateTag state={found.place.merged ? "merged" : found.place.state} />
                </p>
                {found.place.part ? <p>{`${t.part[found.place.part.type]}: ${found.place.part.label}`}</p> : null}
                <p>
                  <Outside text={found.place.address_line} />
                </p>
              </div>
            ) : null}
            {found.code ? (
              <p class="quiet digits">
                {fill(t.poster.number, { n: found.code.number, date: date(found.code.issued_on) })}
              </p>
            ) : null}
          </div>
        ) : null}
      </div>
    </div>
  );
}
