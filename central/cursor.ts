import { createCipheriv, createDecipheriv, createHash } from "node:crypto";

/** Positions in the order of arrival as texts that tell nothing and cannot be made up or moved to another place. */
export interface CursorBox {
  seal(checkpointId: string, position: number): string;
  /** The position, or null when the cursor was not made here for this checkpoint. */
  open(checkpointId: string, cursor: string): number | null;
}

/** One AES block: eight bytes that name the checkpoint, eight bytes of position. The same input gives the same text. */
export function cursorBox(key: Buffer): CursorBox {
  const nameOf = (checkpointId: string) => createHash("sha256").update(checkpointId).digest().subarray(0, 8);
  return {
    seal(checkpointId, position) {
      const block = Buffer.concat([nameOf(checkpointId), Buffer.alloc(8)]);
      block.writeBigUInt64BE(BigInt(position), 8);
      const cipher = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false);
      return Buffer.concat([cipher.update(block), cipher.final()]).toString("base64url");
    },
    open(checkpointId, cursor) {
      const sealed = Buffer.from(cursor, "base64url");
      if (sealed.length !== 16) return null;
      const decipher = createDecipheriv("aes-256-ecb", key, null).setAutoPadding(false);
      const block = Buffer.concat([decipher.update(sealed), decipher.final()]);
      return nameOf(checkpointId).equals(block.subarray(0, 8)) ? Number(block.readBigUInt64BE(8)) : null;
    },
  };
}
