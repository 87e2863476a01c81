import { computed, signal } from "@preact/signals";
import { en } from "./en.ts";
import { type Texts, vi } from "./vi.ts";

export type Language = "vi" | "en";

export const language = signal<Language>("vi");
export const texts = computed<Texts>(() => textsOf(language.value));
export const textsOf = (each: Language): Texts => (each === "vi" ? vi : en);

/** `fill("in {s} s", { s: 5 })` → `in 5 s`. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
