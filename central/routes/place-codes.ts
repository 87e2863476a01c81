import type { FastifyInstance } from "fastify";
import { type PlaceCodeAnswer, placeCodeQuestion } from "../../contract/places.ts";
import { readPlaceCode } from "../../contract/signed-code.ts";
import { addressGroup } from "../address-group.ts";
import type { Central } from "../context.ts";
import { bodyOf } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { maskedAddressLine } from "../place-address.ts";
import { rateLimit } from "../rate-limit.ts";

/** Per address: a person with a telephone, or a whole school behind one address. */
const checksPerMinute = 120;

/** "Kiểm tra mã QR": anybody may ask whether a poster is what it says. */
export function placeCodeRoutes(server: FastifyInstance, central: Central): void {
  const checks = rateLimit(central.clock, checksPerMinute, 60_000);
  server.post("/v1/place-codes::check", async (request): Promise<PlaceCodeAnswer> => {
    const waitMs = checks.take(addressGroup(request.ip));
    if (waitMs > 0) {
      throw new HttpProblem("rate_limited", "Too many codes at once; try again soon.", { retryAfterS: waitMs / 1000 });
    }
    return answerTo(central, bodyOf(request, placeCodeQuestion).text.trim());
  });
}

async function answerTo(central: Central, text: string): Promise<PlaceCodeAnswer> {
  const nothing = { place: null, code: null };
  const code = readPlaceCode(text);
  if (code === null) return { verdict: "foreign", ...nothing };
  if (code === "damaged") return { verdict: isOurs(central, text) ? "unknown" : "foreign", ...nothing };
  const signed = central.codes.signed(code);
  // Another centre's codes are signed by another key and name another address.
  if (signed === null) return { verdict: isOurs(central, text) ? "forged" : "foreign", ...nothing };
  if (!signed) return { verdict: "forged", ...nothing };
  const printed = await central.store.checkpoints.find(code.checkpointId);
  const place = printed && (await central.store.checkpoints.successor(printed.id));
  if (!printed || !place) return { verdict: "unknown", ...nothing };
  return {
    verdict: code.number < printed.codeNumber ? "outdated" : "genuine",
    place: {
      name: place.name,
      part: place.part,
      address_line: maskedAddressLine(place.address),
      state: place.state,
      merged: place.id !== printed.id,
    },
    code: { number: code.number, current_number: printed.codeNumber, issued_on: code.issuedOn },
  };
}

/** Whether a text says that it leads to this centre. */
function isOurs(central: Central, text: string): boolean {
  return text.toUpperCase().startsWith(`${central.publicUrl().replace(/\/$/, "").toUpperCase()}/TQP/`);
}
