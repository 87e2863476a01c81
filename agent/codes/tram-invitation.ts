import { readInvitation } from "../../contract/invitation-code.ts";
import type { Code } from "./code.ts";
import { damaged } from "./outcome.ts";

/** An owner's invitation for this machine; null when the text is none. */
export function readTramInvitation(text: string): Code | null {
  const read = readInvitation(text);
  if (read === null) return null;
  if (read === "damaged") return damaged("tram-invitation", "truncated");
  return {
    kind: "tram-invitation",
    form: "1",
    fields: { centre: read.base, secret: read.secret },
    warnings: [],
    repairs: [],
  };
}
