import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { deviceChange, type OwnedDevice } from "../../contract/devices.ts";
import { type HeartbeatResponse, heartbeatRequest } from "../../contract/heartbeat.ts";
import { maxMissingRanges } from "../../contract/limits.ts";
import { anyCallerOf, type Central, callerOf } from "../context.ts";
import { deviceConfigOf, ownedDeviceOf } from "../device-view.ts";
import { refuseOldVersion, sendWithTag, versionTag, wantedVersion } from "../etag.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { notEnrolled } from "../not-enrolled.ts";
import { rolesManagedBy } from "../policy.ts";
import type { StoredCheckpoint } from "../store/checkpoint-store.ts";
import type { EnrolledDevice } from "../store/device-store.ts";
import type { Store } from "../store/store.ts";
import type { Caller } from "../tokens.ts";
import { grantHere } from "./rights.ts";

const named = z.object({ id: z.uuid() });

/** What stations tell of themselves and are told, and what their owners see and change. */
export function deviceRoutes(server: FastifyInstance, central: Central): void {
  server.post("/v1/devices/:id/heartbeat", async (request): Promise<HeartbeatResponse> => {
    const { id } = checked(request.params, named);
    const personRef = await machineCall(central, request, id);
    const figures = bodyOf(request, heartbeatRequest);
    return central.store.transaction(async (store) => {
      const { device, place } = await enrolledHere(store, id);
      const now = central.clock.now();
      await store.devices.touch(id, now);
      await store.devices.keepFigures(id, personRef, now, figures);
      return {
        server_time: new Date(now).toISOString(),
        high_water: { seq: await store.devices.highWater(id) },
        missing: await store.devices.missing(id, {
          after: figures.missing_after,
          acknowledged: figures.last_acknowledged_seq,
          limit: maxMissingRanges,
        }),
        config_etag: deviceConfigOf(central, device, place).etag,
        ...(central.minVersion === null ? {} : { min_version: central.minVersion }),
      };
    });
  });

  server.get("/v1/devices/:id/config", async (request, reply) => {
    const { id } = checked(request.params, named);
    await machineCall(central, request, id);
    const { device, place } = await enrolledHere(central.store, id);
    await central.store.devices.touch(id, central.clock.now());
    const { config, etag } = deviceConfigOf(central, device, place);
    return sendWithTag(request, reply, etag, () => JSON.stringify(config));
  });

  server.get("/v1/checkpoints/:id/devices", async (request) => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, named);
    const { role } = await grantHere(central.store, id, personRef);
    if (rolesManagedBy(role).length === 0) {
      throw new HttpProblem("forbidden", "Only owners and supervisors see the machines of a place.");
    }
    const devices = await central.store.devices.atPlace(id);
    return { items: devices.map((device) => ownedDeviceOf(central, device)) };
  });

  server.patch("/v1/devices/:id", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, named);
    const wanted = wantedVersion(request);
    const { name, checkpoint_id: checkpointId, settings } = bodyOf(request, deviceChange);
    const answer = await central.store.transaction(async (store): Promise<OwnedDevice> => {
      const device = await ownDevice(store, id, caller);
      refuseOldVersion(wanted, device.version);
      if (checkpointId !== undefined && checkpointId !== device.checkpointId) {
        await mustOwnOpenPlace(store, checkpointId, caller.personRef);
      }
      const changes = {
        name,
        checkpointId: checkpointId === device.checkpointId ? undefined : checkpointId,
        settings: settings && { ...device.settings, ...withoutUndefined(settings) },
      };
      if (!(await store.devices.change(device, changes, central.clock.now()))) refuseOldVersion(wanted, wanted + 1);
      // Owners of the place it leaves read of it as well.
      for (const place of new Set([device.checkpointId, checkpointId ?? device.checkpointId])) {
        await central.accessLog.write(store, {
          action: "device_changed",
          actor: caller.personRef,
          checkpointId: place,
          objects: [id],
        });
      }
      const changed = await store.devices.find(id);
      if (!changed) throw new Error("The machine just changed is missing.");
      return ownedDeviceOf(central, changed);
    });
    return reply.header("etag", versionTag(answer.version)).send(answer);
  });

  server.delete("/v1/devices/:id", async (request, reply) => {
    const caller = await callerOf(central, request);
    const { id } = checked(request.params, named);
    await central.store.transaction(async (store) => {
      const device = await ownDevice(store, id, caller);
      if (device.revokedAt !== null) return;
      await store.devices.revoke(id, central.clock.now());
      await central.accessLog.write(store, {
        action: "device_revoked",
        actor: caller.personRef,
        checkpointId: device.checkpointId,
        objects: [id],
      });
    });
    return reply.code(204).send();
  });
}

/**
 * A call about a machine comes from that machine: under its own credential, or under that of somebody signed in on it.
 * Resolves with who is signed in, null for nobody.
 * @throws HttpProblem `device_not_enrolled`, `forbidden`, and those of the credential
 */
async function machineCall(central: Central, request: FastifyRequest, deviceId: string): Promise<string | null> {
  const caller = await anyCallerOf(central, request);
  if (caller.audience === "device") {
    if (caller.deviceId !== deviceId) throw new HttpProblem("forbidden", "A machine speaks for itself only.");
    if (caller.revoked) throw notEnrolled("revoked");
    return null;
  }
  const device = await central.store.devices.find(deviceId);
  const isItsKey = device?.jkt === (await central.proofs.thumbprint(request));
  // Whoever has nothing to do with the machine is not told that there is one.
  const mayKnow =
    device && (isItsKey || (await central.store.staff.currentGrant(device.checkpointId, caller.personRef)));
  if (!mayKnow) throw notEnrolled("unknown");
  if (device.revokedAt !== null) throw notEnrolled("revoked");
  if (!isItsKey) throw new HttpProblem("forbidden", "This sign-in is another machine's.");
  return caller.personRef;
}

async function enrolledHere(store: Store, id: string): Promise<{ device: EnrolledDevice; place: StoredCheckpoint }> {
  const device = await store.devices.find(id);
  const place = device && device.revokedAt === null ? await store.checkpoints.find(device.checkpointId) : null;
  if (!device || !place) throw notEnrolled("unknown");
  return { device, place };
}

/** A machine the caller owns. An unknown one answers like a foreign one. @throws HttpProblem `forbidden` */
async function ownDevice(store: Store, id: string, { personRef, audience }: Caller): Promise<EnrolledDevice> {
  const device = await store.devices.find(id);
  const grant = device ? await store.staff.currentGrant(device.checkpointId, personRef) : null;
  if (!device || grant?.role !== "owner" || audience !== "owner") {
    throw new HttpProblem("forbidden", "Only an owner of its place, signed in as such, may change this machine.");
  }
  return device;
}

async function mustOwnOpenPlace(store: Store, id: string, personRef: string): Promise<void> {
  const { role } = await grantHere(store, id, personRef);
  if (role !== "owner") throw new HttpProblem("forbidden", "A machine moves between places of the same owner only.");
  const place = await store.checkpoints.find(id);
  if (place?.state === "active" || place?.state === "suspended") return;
  throw new HttpProblem("closed", "This place is closed; choose another place for the machine.");
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
