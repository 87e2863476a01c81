/** Bytes as a string of one character each (0 to 255): the language searches and cuts strings, not byte arrays. */
export type ByteText = string;

export function byteText(bytes: Uint8Array): ByteText {
  return Buffer.from(bytes).toString("latin1");
}

export function utf8(text: string): ByteText {
  return byteText(Buffer.from(text, "utf8"));
}

/** Reads it as UTF-8; what is none becomes U+FFFD. */
export function asText(bytes: ByteText): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
