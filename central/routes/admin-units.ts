import type { FastifyInstance } from "fastify";
import { z } from "zod";
import {
  type AdminUnits,
  currentUnitsVersion,
  formerUnitsVersion,
  unitLevel,
  unitsVersion,
} from "../../contract/admin-units.ts";
import { sendTagged } from "../etag.ts";
import { checked, wrongValue } from "../http-body.ts";
import { unitLists } from "../units/units.ts";

const query = z.object({
  version: unitsVersion.default(currentUnitsVersion),
  level: unitLevel.optional(),
  parent: z.string().max(10).optional(),
});

const publicFor = "public, max-age=3600";

/** Administrative units for addresses: public, the same for everybody. */
export function adminUnitRoutes(server: FastifyInstance): void {
  server.get("/v1/admin-units", async (request, reply) => {
    const { version, level = null, parent = null } = checked(request.query, query);
    // All former communes together are more than one answer may hold.
    if (version === formerUnitsVersion && parent === null && (level === null || level === "commune")) {
      throw wrongValue("/parent", "required", "Ask for the communes of the former list by their district.");
    }
    const list = unitLists[version];
    const answer: AdminUnits = { ...list.head, units: [...list.select({ level, parent })] };
    return sendTagged(request, reply.header("cache-control", publicFor), answer);
  });
}
