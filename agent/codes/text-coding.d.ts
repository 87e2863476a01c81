/**
 * The few names this folder uses from outside the language, so that it needs neither Node nor DOM types.
 * `iconv-lite` describes itself with Node's types and `base45` not at all; both are described here as used.
 */

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

declare class TextEncoder {
  encode(text: string): Uint8Array;
}

declare module "iconv-lite" {
  const iconv: {
    encode(text: string, encoding: string): Uint8Array;
    decode(bytes: Uint8Array, encoding: string): string;
  };
  export default iconv;
}

declare module "base45" {
  const base45: {
    encode(bytes: Uint8Array): string;
    decode(text: string): Uint8Array;
  };
  export default base45;
}
