import type { FastifyInstance } from "fastify";
import { z } from "zod";
import type { Checkpoint } from "../../contract/places.ts";
import { posterRequest } from "../../contract/posters.ts";
import { type Central, callerOf } from "../context.ts";
import { attachment } from "../file-name.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { checkpointOf } from "../place-view.ts";
import type { PosterContent } from "../poster/layout.ts";
import { posterPress } from "../poster/poster.ts";
import { grantHere } from "./rights.ts";

const place = z.object({ id: z.uuid() });
const mediaTypes = { pdf: "application/pdf", png: "image/png" } as const;

/** The printable QR code of a place. */
export function posterRoutes(server: FastifyInstance, central: Central): void {
  const press = posterPress();
  server.post("/v1/checkpoints/:id/poster", async (request, reply) => {
    const { personRef } = await callerOf(central, request);
    const { id } = checked(request.params, place);
    const wish = bodyOf(request, posterRequest);
    const grant = await grantHere(central.store, id, personRef);
    if (grant.role === "scanner") throw new HttpProblem("forbidden", "Ask the owner or a supervisor for the poster.");
    const stored = await central.store.checkpoints.find(id);
    if (!stored) throw new HttpProblem("not_found", "There is no such place any more.");
    const content = posterContent(checkpointOf(central, stored, grant), central.publicUrl());
    const file = press.draw(content, wish);
    if (file === null) {
      throw new HttpProblem("rate_limited", "Too many posters are being made; ask again soon.", { retryAfterS: 10 });
    }
    return reply
      .type(mediaTypes[wish.format])
      .header("content-disposition", attachment(["poster", stored.name, wish.size], wish.format))
      .send(Buffer.from(await file));
  });
}

function posterContent({ name, part, address, place_code, id, state }: Checkpoint, publicUrl: string): PosterContent {
  if (!place_code) throw new HttpProblem("unavailable", "This centre issues no place codes; ask its operator.");
  if (state === "closed" || state === "merged") {
    throw new HttpProblem("forbidden", "This place is closed or goes on as another one: nobody may scan its code.");
  }
  return {
    name,
    part: part?.label ?? null,
    addressLine: address.line,
    unit: [address.commune_name, address.province_name].filter((known) => known !== null).join(", "),
    code: {
      text: place_code.text,
      number: `${id.slice(0, 4)}-${id.slice(4, 8)}`.toUpperCase(),
      version: place_code.number,
      issuedOn: place_code.issued_on,
    },
    checkAddress: `${publicUrl.replace(/^https?:\/\//, "").replace(/\/$/, "")}/check`,
  };
}
