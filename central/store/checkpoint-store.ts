import type { Kysely } from "kysely";
import { z } from "zod";
import { checkpointKind } from "../../contract/places.ts";
import type { Sealer } from "../sealing.ts";
import type { Tables } from "./tables.ts";

/** A registered place. */
export interface StoredCheckpoint {
  readonly id: string;
  readonly name: string;
  readonly kind: z.infer<typeof checkpointKind>;
  readonly kindStatus: "declared" | "approved";
  readonly phone: string;
  readonly address: {
    readonly units_version: string;
    readonly province_code: string;
    readonly commune_code: string;
    readonly line: string;
  };
  readonly retentionDays: number;
  readonly contentTag: string;
  readonly createdBy: string;
  readonly createdAt: number;
}

export interface CheckpointStore {
  add(checkpoint: StoredCheckpoint): Promise<void>;
  find(id: string): Promise<StoredCheckpoint | null>;
}

const contact = z.object({ phone: z.string(), line: z.string() });

export function checkpointStore(db: Kysely<Tables>, sealer: Sealer): CheckpointStore {
  const contactPlace = (id: string) => ["checkpoint.contact", id];
  return {
    async add(checkpoint) {
      await db
        .insertInto("checkpoint")
        .values({
          id: checkpoint.id,
          name: checkpoint.name,
          kind: checkpoint.kind,
          kind_status: checkpoint.kindStatus,
          units_version: checkpoint.address.units_version,
          province_code: checkpoint.address.province_code,
          commune_code: checkpoint.address.commune_code,
          contact_sealed: sealer.seal(
            contactPlace(checkpoint.id),
            JSON.stringify({ phone: checkpoint.phone, line: checkpoint.address.line }),
          ),
          retention_days: checkpoint.retentionDays,
          content_tag: checkpoint.contentTag,
          created_by: checkpoint.createdBy,
          created_at: checkpoint.createdAt,
        })
        .execute();
    },
    async find(id) {
      const row = await db.selectFrom("checkpoint").selectAll().where("id", "=", id).executeTakeFirst();
      if (!row) return null;
      const { phone, line } = contact.parse(JSON.parse(sealer.open(contactPlace(row.id), row.contact_sealed)));
      return {
        id: row.id,
        name: row.name,
        kind: checkpointKind.parse(row.kind),
        kindStatus: row.kind_status,
        phone,
        address: {
          units_version: row.units_version,
          province_code: row.province_code,
          commune_code: row.commune_code,
          line,
        },
        retentionDays: row.retention_days,
        contentTag: row.content_tag,
        createdBy: row.created_by,
        createdAt: row.created_at,
      };
    },
  };
}
