import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { z } from "zod";
import { type OfficialRight, officialRight } from "../../contract/people.ts";
import type { Clock } from "../clock.ts";
import type { Tables } from "./tables.ts";

/** Somebody's right as an official over administrative units, with all that lies in them. */
export interface OfficialGrant {
  readonly id: string;
  readonly personRef: string;
  readonly right: OfficialRight;
  /** Codes of provinces or communes. */
  readonly unitCodes: readonly string[];
  readonly addedAt: number;
  readonly endedAt: number | null;
}

export interface OfficialStore {
  /** The id of the new grant. */
  add(personRef: string, right: OfficialRight, unitCodes: readonly string[]): Promise<string>;
  /** Ends all rights of a person; their ids. */
  end(personRef: string): Promise<string[]>;
  current(personRef: string): Promise<OfficialGrant[]>;
  all(): Promise<OfficialGrant[]>;
}

const codes = z.array(z.string());

export function officialStore(db: Kysely<Tables>, clock: Clock): OfficialStore {
  const read = (row: Tables["official_grant"]): OfficialGrant => ({
    id: row.id,
    personRef: row.person_ref,
    right: officialRight.parse(row.right),
    unitCodes: codes.parse(JSON.parse(row.unit_codes)),
    addedAt: row.added_at,
    endedAt: row.ended_at,
  });
  const grants = () => db.selectFrom("official_grant").selectAll().orderBy("added_at").orderBy("id");
  const current = async (personRef: string) => {
    const rows = await grants().where("person_ref", "=", personRef).where("ended_at", "is", null).execute();
    return rows.map(read);
  };
  return {
    current,
    async add(personRef, right, unitCodes) {
      const id = randomUUID();
      await db
        .insertInto("official_grant")
        .values({
          id,
          person_ref: personRef,
          right,
          unit_codes: JSON.stringify(unitCodes),
          added_at: clock.now(),
          ended_at: null,
        })
        .execute();
      return id;
    },
    async end(personRef) {
      const ended = await current(personRef);
      await db
        .updateTable("official_grant")
        .set({ ended_at: clock.now() })
        .where("person_ref", "=", personRef)
        .where("ended_at", "is", null)
        .execute();
      return ended.map(({ id }) => id);
    },
    async all() {
      return (await grants().execute()).map(read);
    },
  };
}
