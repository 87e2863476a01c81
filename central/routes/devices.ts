import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type HeartbeatResponse, heartbeatRequest } from "../../contract/heartbeat.ts";
import { maxMissingRanges } from "../../contract/limits.ts";
import { type Central, callerOf } from "../context.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";

const named = z.object({ id: z.uuid() });

/** What stations tell of themselves. */
export function deviceRoutes(server: FastifyInstance, central: Central): void {
  server.post("/v1/devices/:id/heartbeat", async (request): Promise<HeartbeatResponse> => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, named);
    const figures = bodyOf(request, heartbeatRequest);
    return central.store.transaction(async (store) => {
      const grants = await store.staff.grantsOf(personRef);
      if (!grants.some(({ validTo }) => validTo === null)) {
        throw new HttpProblem("forbidden", "Only staff of a checkpoint may report for a device.");
      }
      const now = central.clock.now();
      await store.devices.touch(id, personRef, now);
      await store.devices.keepFigures(id, personRef, now, figures);
      return {
        server_time: new Date(now).toISOString(),
        high_water: { seq: await store.devices.highWater(id) },
        missing: await store.devices.missing(id, {
          after: figures.missing_after,
          acknowledged: figures.last_acknowledged_seq,
          limit: maxMissingRanges,
        }),
      };
    });
  });
}
