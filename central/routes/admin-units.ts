import type { FastifyInstance } from "fastify";
import { z } from "zod";
import {
  type AdminUnits,
  currentUnitsVersion,
  formerUnitsVersion,
  type UnitLevel,
  type UnitsVersion,
  unitLevel,
  unitsVersion,
} from "../../contract/admin-units.ts";
import { sendWithTag, type TaggedText, tagged } from "../etag.ts";
import { checked, wrongValue } from "../http-body.ts";
import { unitLists } from "../units/units.ts";

const query = z.object({
  version: unitsVersion.default(currentUnitsVersion),
  level: unitLevel.optional(),
  parent: z.string().max(10).optional(),
});

const publicFor = "public, max-age=3600";

/** Answers are made once: nothing in a list ever changes. As many as there are units with others below them. */
const answers = new Map<string, TaggedText>();

function answerTo(version: UnitsVersion, level: UnitLevel | null, parent: string | null): TaggedText {
  const name = `${version} ${level} ${parent}`;
  const known = answers.get(name);
  if (known) return known;
  const list = unitLists[version];
  const answer: AdminUnits = { ...list.head, units: [...list.select({ level, parent })] };
  const made = tagged(answer);
  if (answer.units.length > 0) answers.set(name, made);
  return made;
}

/** Administrative units for addresses: public, the same for everybody. */
export function adminUnitRoutes(server: FastifyInstance): void {
  server.get("/v1/admin-units", async (request, reply) => {
    const { version, level = null, parent = null } = checked(request.query, query);
    // All former communes together are more than one answer may hold.
    if (version === formerUnitsVersion && parent === null && (level === null || level === "commune")) {
      throw wrongValue("/parent", "required", "Ask for the communes of the former list by their district.");
    }
    const { etag, text } = answerTo(version, level, parent);
    return sendWithTag(request, reply.header("cache-control", publicFor), etag, () => text);
  });
}
