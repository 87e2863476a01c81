const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What an engine found in a code. */
export interface ReadContent {
  /** The content as it stands in the code, without any conversion. */
  readonly bytes: Uint8Array;
  /** The engine's reading of it. */
  readonly text: string;
  /** The code itself says in which character set its text is (an ECI), so that `text` is no guess. */
  readonly declaresText: boolean;
}

/**
 * The bytes a scanner on a cable would send. UTF-8 as it is, which is what cards carry; text in another character set
 * that the code declares, as UTF-8; anything else as it is too, because the recogniser knows the Vietnamese code pages and
 * the engine only guesses (and takes Vietnamese for Big5).
 */
export function payloadBytes({ bytes, text, declaresText }: ReadContent): Uint8Array {
  try {
    strictUtf8.decode(bytes);
    return bytes;
  } catch {
    return declaresText && text !== "" ? new TextEncoder().encode(text) : bytes;
  }
}
