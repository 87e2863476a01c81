import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { problemOf } from "../api.ts";
import { Confirm, Dialog, DialogButtons } from "../components/dialog.tsx";
import { TextField } from "../components/field.tsx";
import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { DoneLine, ProblemLine } from "../components/problem-line.tsx";
import { QrCode } from "../components/qr-code.tsx";
import { healthOf, sizeText } from "../device-health.ts";
import { fill, texts } from "../i18n/texts.ts";
import { clockTime, dateTime, span } from "../i18n/time.ts";
import { useAttempt, useLoaded } from "../load.ts";
import { fieldText } from "../problem-text.ts";
import { ask, placeUrl, post } from "../service.ts";
import type { DeviceInvitation, OwnedDevice, PlaceDetail } from "../wire.ts";
import { ApproveDevice } from "./enrol.tsx";
import type { PlaceProps } from "./place-page.tsx";

const refreshMs = 30_000;
const deviceUrl = (id: string): string => `/v1/devices/${encodeURIComponent(id)}`;

/** The machines of a place: how they are, and how one more comes in. */
export function Devices({ place }: PlaceProps) {
  const t = texts.value;
  const devices = useLoaded(
    async () => (await ask<{ items: OwnedDevice[] }>(placeUrl(place.id, "/devices"))).items,
    place.id,
  );
  const adding = useSignal(false);
  const done = useSignal("");
  const owner = place.role === "owner";
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void devices.reload();
    }, refreshMs);
    return () => clearInterval(timer);
  }, [place.id]);
  return (
    <>
      <header>
        <h1 tabIndex={-1}>{t.menu.devices}</h1>
        {owner && !adding.value ? (
          <button type="button" class="primary" onClick={() => (adding.value = true)}>
            {t.devices.add}
          </button>
        ) : null}
      </header>
      <DoneLine text={done.value} />
      {adding.value ? (
        <AddDevice
          place={place}
          close={() => (adding.value = false)}
          decided={(text) => {
            done.value = text;
            adding.value = false;
            void devices.reload();
          }}
        />
      ) : null}
      <LoadedView loaded={devices}>
        {(list) =>
          list.length === 0 ? (
            <p class="empty">{t.devices.none}</p>
          ) : (
            <ul class="sheet">
              {list.map((device) => (
                <Machine
                  key={device.device_id}
                  device={device}
                  owner={owner}
                  reload={devices.reload}
                  say={(text) => (done.value = text)}
                />
              ))}
            </ul>
          )
        }
      </LoadedView>
    </>
  );
}

/** Two ways in: the machine's reader scans the invitation here, or its code is typed here. Both end in a comparison. */
function AddDevice({
  place,
  close,
  decided,
}: {
  readonly place: PlaceDetail;
  readonly close: () => void;
  readonly decided: (text: string) => void;
}) {
  const t = texts.value;
  return (
    <section class="card">
      <h2>{t.devices.add}</h2>
      <Invitation place={place} />
      <ApproveDevice placeId={place.id} userCode="" hint={t.devices.approveHint} decided={decided} />
      <div class="buttons">
        <button type="button" onClick={close}>
          {t.common.close}
        </button>
      </div>
    </section>
  );
}

function Invitation({ place }: { readonly place: PlaceDetail }) {
  const t = texts.value;
  const invitation = useSignal<{ readonly made: DeviceInvitation; readonly endsAt: number } | null>(null);
  const leftS = useSignal(0);
  const attempt = useAttempt();
  const make = () =>
    attempt.run(async () => {
      const made = await post<DeviceInvitation>(placeUrl(place.id, "/device-invitations"), {});
      invitation.value = { made, endsAt: performance.now() + made.expires_in * 1000 };
      leftS.value = made.expires_in;
    });
  useEffect(() => void make(), [place.id]);
  useEffect(() => {
    const timer = setInterval(() => {
      const ends = invitation.peek()?.endsAt;
      if (ends !== undefined) leftS.value = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    }, 1000);
    return () => clearInterval(timer);
  }, []);
  const shown = invitation.value?.made;
  return (
    <div class="sheet">
      <p>{t.devices.addHint}</p>
      <div class="qr-frame">
        {shown && leftS.value > 0 ? (
          <QrCode {...shown.qr} label={fill(t.devices.qrLabel, { name: place.name })} />
        ) : (
          <div class="sheet">
            <p>{attempt.busy ? t.common.loading : shown ? t.devices.invitationEnded : ""}</p>
            <button type="button" disabled={attempt.busy} onClick={() => void make()}>
              {t.devices.invitationNew}
            </button>
          </div>
        )}
      </div>
      {shown && leftS.value > 0 ? (
        <p class="quiet digits centred">{fill(t.devices.invitationLeft, { time: span(leftS.value, t) })}</p>
      ) : null}
      <ProblemLine problem={attempt.problem} />
    </div>
  );
}

function Machine({
  device,
  owner,
  reload,
  say,
}: {
  readonly device: OwnedDevice;
  readonly owner: boolean;
  readonly reload: () => Promise<void>;
  readonly say: (text: string) => void;
}) {
  const t = texts.value;
  const renaming = useSignal(false);
  const revoking = useSignal(false);
  return (
    <li class="card">
      <header class="card-head">
        <h2>
          <Outside text={device.name} />
        </h2>
        {owner && device.state === "enrolled" ? (
          <span class="buttons">
            <button
              type="button"
              aria-label={`${t.devices.rename}: ${device.name}`}
              onClick={() => (renaming.value = true)}
            >
              {t.devices.rename}
            </button>
            <button
              type="button"
              class="danger"
              aria-label={`${t.devices.revoke}: ${device.name}`}
              onClick={() => (revoking.value = true)}
            >
              {t.devices.revoke}
            </button>
          </span>
        ) : null}
      </header>
      <ul class="tags">
        {healthOf(device, t).map(({ grade, text }) => (
          <li key={text} class={`tag ${grade}`}>
            {text}
          </li>
        ))}
      </ul>
      <details>
        <summary>{t.devices.details}</summary>
        <DeviceFacts device={device} />
      </details>
      {renaming.value ? (
        <Rename device={device} close={() => (renaming.value = false)} reload={reload} say={say} />
      ) : null}
      {revoking.value ? (
        <Confirm
          title={fill(t.devices.revokeTitle, { name: device.name })}
          hint={t.devices.revokeHint}
          action={t.devices.revoke}
          danger
          close={() => (revoking.value = false)}
          work={async () => {
            await ask(deviceUrl(device.device_id), { method: "DELETE" });
            await reload();
          }}
        />
      ) : null}
    </li>
  );
}

function DeviceFacts({ device }: { readonly device: OwnedDevice }) {
  const t = texts.value;
  const d = t.devices;
  const unknown = t.common.unknown;
  const facts: readonly (readonly [string, string])[] = [
    [d.lastContact, device.last_contact === null ? unknown : clockTime(device.last_contact)],
    [
      d.queue,
      device.unsent === null
        ? unknown
        : `${device.unsent}${device.oldest_unsent_s === null ? "" : ` · ${span(device.oldest_unsent_s, t)}`}`,
    ],
    [
      d.readers,
      device.readers.map(({ name, state }) => `${name} (${d.readerState[state] ?? state})`).join(", ") || t.common.none,
    ],
    [
      d.clock,
      device.clock_offset_ms === null
        ? unknown
        : fill(d.clockOk, { time: span(Math.abs(device.clock_offset_ms) / 1000, t) }),
    ],
    [d.disk, device.disk_free_bytes === null ? unknown : sizeText(device.disk_free_bytes)],
    [d.version, device.app_version ?? unknown],
    [d.model, device.model],
    [d.os, device.os],
    [d.key, device.key_backend ?? unknown],
    [d.fingerprint, device.key_fingerprint],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="digits">
            <Outside text={value} />
          </dd>
        </div>
      ))}
      <div>
        <dt>{d.asked}</dt>
        <dd class="digits">{dateTime(device.enrolled_at)}</dd>
      </div>
    </dl>
  );
}

function Rename({
  device,
  close,
  reload,
  say,
}: {
  readonly device: OwnedDevice;
  readonly close: () => void;
  readonly reload: () => Promise<void>;
  readonly say: (text: string) => void;
}) {
  const t = texts.value;
  const name = useSignal(device.name);
  const attempt = useAttempt();
  const rename = async (event: Event) => {
    event.preventDefault();
    const renamed = await attempt.run(async () => {
      try {
        await ask(deviceUrl(device.device_id), {
          method: "PATCH",
          body: { name: name.value.trim() },
          ifMatch: device.version,
        });
      } catch (error) {
        if (problemOf(error).problem === "version_changed") await reload();
        throw error;
      }
      await reload();
    });
    if (!renamed) return;
    say(t.devices.renamed);
    close();
  };
  return (
    <Dialog title={t.devices.rename} close={close}>
      <form noValidate onSubmit={(event) => void rename(event)}>
        <TextField
          label={t.devices.name}
          value={name.value}
          change={(value) => (name.value = value)}
          fault={fieldText(attempt.problem, "/name", ["/name"], t)}
          input={{ maxLength: 80 }}
        />
        {attempt.problem?.problem === "version_changed" ? (
          <p class="note warn" role="alert">
            {t.devices.changed} <Outside text={`${t.place.changedTheirs}: ${device.name}`} />
          </p>
        ) : (
          <ProblemLine problem={attempt.problem} />
        )}
        <DialogButtons action={t.common.save} busy={attempt.busy} ready={name.value.trim() !== ""} close={close} />
      </form>
    </Dialog>
  );
}
