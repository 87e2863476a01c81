import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Choices, TextField } from "../components/field.tsx";
import { ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { useAttempt } from "../load.ts";
import { codeFromMessage, codeIn } from "../otp-text.ts";
import { fieldText } from "../problem-text.ts";
import { type Audience, endedByService, requestCode, verifyCode } from "../session.ts";

/** Two steps: the phone, then the code that was sent to it. */
export function SignIn() {
  const phone = useSignal("");
  const audience = useSignal<Audience>("owner");
  const code = useSignal("");
  const challengeId = useSignal<string | null>(null);
  const resendInS = useSignal(0);
  const attempt = useAttempt();
  const t = texts.value;

  useEffect(() => {
    const timer = setInterval(() => {
      resendInS.value = Math.max(0, resendInS.peek() - 1);
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (challengeId.value === null) return;
    const leaving = new AbortController();
    void codeFromMessage(leaving.signal).then((found) => {
      if (found !== null && code.peek() === "") code.value = codeIn(found);
    });
    return () => leaving.abort();
  }, [challengeId.value]);

  const send = () =>
    attempt.run(async () => {
      const sent = await requestCode(phone.value.trim(), audience.value);
      challengeId.value = sent.challengeId;
      resendInS.value = sent.resendAfterS;
      code.value = "";
    });
  const verify = () => attempt.run(() => verifyCode(challengeId.value ?? "", code.value, audience.value));
  const submit = (event: Event) => {
    event.preventDefault();
    void (challengeId.value === null ? send() : verify());
  };

  return (
    <div class="narrow">
      <form class="card" onSubmit={submit}>
        <h1>{t.signIn.title}</h1>
        {endedByService.value ? <p class="note warn">{t.signIn.ended}</p> : <p class="quiet">{t.signIn.hint}</p>}
        {challengeId.value === null ? (
          <>
            <Choices
              legend={t.signIn.who}
              value={audience.value}
              change={(value) => (audience.value = value as Audience)}
              options={[
                { value: "owner", name: t.signIn.owner, hint: t.signIn.ownerHint },
                { value: "staff", name: t.signIn.staff, hint: t.signIn.staffHint },
              ]}
            />
            <TextField
              label={t.signIn.phone}
              value={phone.value}
              change={(value) => (phone.value = value)}
              fault={fieldText(attempt.problem, "/phone", ["/phone"], t)}
              input={{
                type: "tel",
                inputMode: "tel",
                autoComplete: "tel",
                placeholder: "0912 345 678",
                required: true,
                maxLength: 20,
              }}
            />
            <button type="submit" class="primary" disabled={attempt.busy || phone.value.trim().length < 9}>
              {attempt.busy ? t.common.busy : t.signIn.send}
            </button>
          </>
        ) : (
          <>
            <TextField
              key="code"
              label={fill(t.signIn.code, { phone: phone.value })}
              hint={t.signIn.codeHint}
              value={code.value}
              change={(value) => (code.value = codeIn(value))}
              input={{
                class: "code-input",
                inputMode: "numeric",
                autoComplete: "one-time-code",
                required: true,
                ref: (input: HTMLInputElement | null) => input?.focus(),
              }}
            />
            <button type="submit" class="primary" disabled={attempt.busy || code.value.length !== 6}>
              {attempt.busy ? t.common.busy : t.signIn.submit}
            </button>
            <div class="buttons">
              <button
                type="button"
                class="plain"
                onClick={() => {
                  challengeId.value = null;
                  attempt.say(null);
                }}
              >
                {t.signIn.otherPhone}
              </button>
              <button
                type="button"
                class="plain digits"
                disabled={attempt.busy || resendInS.value > 0}
                onClick={() => void send()}
              >
                {resendInS.value > 0 ? fill(t.signIn.resendIn, { s: resendInS.value }) : t.signIn.resend}
              </button>
            </div>
          </>
        )}
        <ProblemLine problem={attempt.problem} />
      </form>
      <p>
        <a class="button" href="#/check">
          {t.signIn.check}
        </a>
      </p>
    </div>
  );
}
