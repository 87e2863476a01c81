/** What a driver sees before it understands anything: for recordings that support can replay. */
import type { KeyStroke } from "./keyboard/key-stroke.ts";

/** What it sends, `atMs` on the clock of `performance.now()`; a HID device says first who it is. */
export type RawEvent =
  | {
      readonly kind: "hid";
      readonly vendorId: number;
      readonly productId: number;
      /** Its report descriptor, or null where the system does not hand it out. */
      readonly descriptor: Uint8Array | null;
    }
  | { readonly kind: "report"; readonly bytes: Uint8Array; readonly atMs: number }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly atMs: number }
  | { readonly kind: "key"; readonly stroke: KeyStroke; readonly atMs: number }
  /** The system lost keys because nobody read them in time. */
  | { readonly kind: "lost"; readonly atMs: number };

/** Called while the driver reads: it must not throw, and must copy the bytes it keeps. */
export type RawTap = (event: RawEvent) => void;
