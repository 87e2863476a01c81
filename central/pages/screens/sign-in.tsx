import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type CallProblem, problemOf } from "../api.ts";
import { type Audience, endedByService, requestCode, verifyCode } from "../session.ts";
import { fill, texts } from "../texts.ts";

/** Two steps: the phone, then the code that was sent to it. */
export function SignIn() {
  const phone = useSignal("");
  const audience = useSignal<Audience>("staff");
  const code = useSignal("");
  const challengeId = useSignal<string | null>(null);
  const resendInS = useSignal(0);
  const busy = useSignal(false);
  const problem = useSignal<CallProblem | null>(null);

  useEffect(() => {
    const timer = setInterval(() => {
      resendInS.value = Math.max(0, resendInS.value - 1);
    }, 1000);
    return () => clearInterval(timer);
  }, []);

  const attempt = async (work: () => Promise<void>) => {
    if (busy.value) return;
    busy.value = true;
    problem.value = null;
    try {
      await work();
    } catch (error) {
      problem.value = problemOf(error);
      if (problem.value.problem === "challenge_expired") code.value = "";
    } finally {
      busy.value = false;
    }
  };
  const send = () =>
    attempt(async () => {
      const sent = await requestCode(phone.value.trim(), audience.value);
      challengeId.value = sent.challengeId;
      resendInS.value = sent.resendAfterS;
      code.value = "";
    });
  const verify = () => attempt(() => verifyCode(challengeId.value ?? "", code.value));
  const submit = (event: Event) => {
    event.preventDefault();
    void (challengeId.value === null ? send() : verify());
  };

  const t = texts.value;
  return (
    <form class="card sign-in" onSubmit={submit}>
      <h1>{t.signInTitle}</h1>
      <p class="hint">{endedByService.value ? t.signedOut : t.signInHint}</p>
      {challengeId.value === null ? (
        <>
          <fieldset class="who">
            <legend>{t.who}</legend>
            {(["staff", "owner"] as const).map((who) => (
              <label key={who}>
                <input
                  type="radio"
                  name="who"
                  checked={audience.value === who}
                  onChange={() => (audience.value = who)}
                />
                {t[who]}
              </label>
            ))}
          </fieldset>
          <label class="field">
            {t.phone}
            <input
              type="tel"
              inputMode="tel"
              autoComplete="tel"
              placeholder="09xx xxx xxx"
              required
              maxLength={20}
              value={phone.value}
              onInput={(event) => (phone.value = event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="primary" disabled={busy.value || phone.value.trim().length < 9}>
            {t.sendCode}
          </button>
        </>
      ) : (
        <>
          <label class="field">
            {fill(t.code, { phone: phone.value })}
            <input
              key="code"
              class="code"
              inputMode="numeric"
              autoComplete="one-time-code"
              pattern="[0-9]{6}"
              maxLength={6}
              required
              ref={(input) => input?.focus()}
              value={code.value}
              onInput={(event) => (code.value = event.currentTarget.value.replace(/\D/g, ""))}
            />
          </label>
          <button type="submit" class="primary" disabled={busy.value || code.value.length !== 6}>
            {t.signIn}
          </button>
          <div class="row">
            <button type="button" class="quiet" onClick={() => (challengeId.value = null)}>
              {t.otherPhone}
            </button>
            <button
              type="button"
              class="quiet"
              disabled={busy.value || resendInS.value > 0}
              onClick={() => void send()}
            >
              {resendInS.value > 0 ? fill(t.resendIn, { s: resendInS.value }) : t.resend}
            </button>
          </div>
        </>
      )}
      <p class="problem" role="alert">
        {problem.value ? sentenceFor(problem.value) : ""}
      </p>
    </form>
  );
}

function sentenceFor({ problem, attemptsLeft, retryAfterS }: CallProblem): string {
  const { problems } = texts.value;
  return fill(problems[problem] ?? problems.other ?? "", { left: attemptsLeft, s: retryAfterS });
}
