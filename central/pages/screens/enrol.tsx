import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SelectField, TextField, Tick } from "../components/field.tsx";
import { Outside } from "../components/outside-text.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { fill, texts } from "../i18n/texts.ts";
import { clockTime } from "../i18n/time.ts";
import { useAttempt } from "../load.ts";
import { fieldText } from "../problem-text.ts";
import { loadPlaces, places, post } from "../service.ts";
import type { OwnedDevice, WaitingDevice } from "../wire.ts";

/** The page a machine's own QR code or address leads to. */
export function Enrol({ userCode }: { readonly userCode: string }) {
  const t = texts.value;
  const done = useSignal("");
  useEffect(() => void loadPlaces().catch(() => undefined), []);
  return (
    <div class="narrow">
      <a class="back" href="#/">
        {t.places.title}
      </a>
      <h1 tabIndex={-1}>{t.devices.approveTitle}</h1>
      <DoneLine text={done.value} />
      <div class="card">
        <ApproveDevice
          placeId={null}
          userCode={userCode}
          hint={t.devices.compare}
          decided={(text) => (done.value = text)}
        />
      </div>
    </div>
  );
}

/** Finds the machine behind a code, shows what to compare, and lets the owner decide. */
export function ApproveDevice({
  placeId,
  userCode,
  hint,
  decided,
}: {
  /** The place it is for; null: the owner chooses. */
  readonly placeId: string | null;
  readonly userCode: string;
  readonly hint: string;
  readonly decided: (text: string) => void;
}) {
  const t = texts.value;
  const typed = useSignal(userCode);
  const found = useSignal<WaitingDevice | null>(null);
  const attempt = useAttempt();
  const find = () =>
    attempt.run(async () => {
      found.value = null;
      found.value = await post<WaitingDevice>("/v1/devices:look-up", { user_code: typed.value });
    });
  useEffect(() => {
    if (userCode !== "") void find();
  }, [userCode]);
  const gone = attempt.problem?.problem === "not_found" || attempt.problem?.problem === "expired_token";
  return (
    <div class="form">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void find();
        }}
      >
        <TextField
          label={t.devices.userCode}
          hint={hint}
          value={typed.value}
          change={(value) => {
            typed.value = value.toUpperCase();
            found.value = null;
          }}
          fault={gone ? t.devices.codeGone : fieldText(attempt.problem, "/user_code", ["/user_code"], t)}
          input={{ class: "code-input", maxLength: 12, placeholder: "BCDF-GHJK", autoCapitalize: "characters" }}
        />
        {found.value ? null : (
          <button type="submit" disabled={attempt.busy || typed.value.trim().length < 8}>
            {attempt.busy ? t.common.busy : t.devices.find}
          </button>
        )}
      </form>
      {gone ? null : <ProblemLine problem={attempt.problem} />}
      {found.value ? (
        <Waiting
          key={found.value.user_code}
          device={found.value}
          placeId={placeId ?? found.value.invited_checkpoint_id}
          decided={(text) => {
            found.value = null;
            typed.value = "";
            decided(text);
          }}
        />
      ) : null}
    </div>
  );
}

function Waiting({
  device,
  placeId,
  decided,
}: {
  readonly device: WaitingDevice;
  readonly placeId: string | null;
  readonly decided: (text: string) => void;
}) {
  const t = texts.value;
  const mine = (places.value ?? []).filter(({ role, state }) => role === "owner" && state === "active");
  const place = useSignal(placeId ?? "");
  const chosen = place.value || (mine[0]?.id ?? "");
  const name = useSignal(device.known_as?.name ?? "");
  const replace = useSignal(false);
  const attempt = useAttempt();
  const approve = async (event: Event) => {
    event.preventDefault();
    let made: OwnedDevice | null = null;
    const approved = await attempt.run(async () => {
      made = await post<OwnedDevice>("/v1/devices:approve", {
        user_code: device.user_code,
        checkpoint_id: chosen,
        name: name.value.trim() || t.devices.namePlaceholder,
        key_fingerprint: device.key_fingerprint,
        ...(device.known === "other-key" ? { replace_key: replace.value } : {}),
      });
    });
    if (approved && made) decided(fill(t.devices.approved, { name: (made as OwnedDevice).name }));
  };
  const deny = async () => {
    if (await attempt.run(() => post("/v1/devices:deny", { user_code: device.user_code }))) decided(t.devices.denied);
  };
  const known = t.devices.known[device.known];
  const shown = useRef<HTMLFormElement>(null);
  // It appears below what was typed: what is to be compared must be seen.
  useEffect(() => shown.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <form ref={shown} noValidate onSubmit={(event) => void approve(event)}>
      <p>{t.devices.compare}</p>
      <p class="user-code">{device.user_code}</p>
      <dl class="facts">
        <div>
          <dt>{t.devices.fingerprint}</dt>
          <dd class="fingerprint">{device.key_fingerprint}</dd>
        </div>
        <div>
          <dt>{t.devices.model}</dt>
          <dd>
            <Outside text={device.model} />
          </dd>
        </div>
        <div>
          <dt>{t.devices.os}</dt>
          <dd>
            <Outside text={`${device.os} · Trạm QR ${device.app_version}`} />
          </dd>
        </div>
        <div>
          <dt>{t.devices.asked}</dt>
          <dd class="digits">{clockTime(device.requested_at)}</dd>
        </div>
      </dl>
      {known ? (
        <p class={`note ${device.known === "same-key" ? "" : "alert"}`}>
          <Outside text={fill(known, { name: device.known_as?.name ?? "" })} />
        </p>
      ) : null}
      {device.known === "other-key" ? (
        <Tick label={t.devices.replaceKey} checked={replace.value} change={(value) => (replace.value = value)} />
      ) : null}
      {device.known === "elsewhere" ? null : (
        <div class="pair">
          <SelectField
            label={t.devices.forPlace}
            value={chosen}
            change={(value) => (place.value = value)}
            options={mine.map((each) => [each.id, each.name] as const)}
          />
          <TextField
            label={t.devices.name}
            value={name.value}
            change={(value) => (name.value = value)}
            fault={fieldText(attempt.problem, "/name", ["/name"], t)}
            input={{ maxLength: 80, placeholder: t.devices.namePlaceholder }}
          />
        </div>
      )}
      <ProblemLine problem={attempt.problem} />
      <div class="buttons">
        {device.known === "elsewhere" ? null : (
          <button
            type="submit"
            class="primary"
            disabled={attempt.busy || chosen === "" || (device.known === "other-key" && !replace.value)}
          >
            {attempt.busy ? t.common.busy : t.devices.approveYes}
          </button>
        )}
        <button type="button" class="danger" disabled={attempt.busy} onClick={() => void deny()}>
          {t.devices.deny}
        </button>
      </div>
    </form>
  );
}
