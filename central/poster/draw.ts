import { type PaperSize, type PosterContent, posterPage } from "./layout.ts";
import { pdfOf, ruler } from "./pdf.ts";
import { pngOf } from "./png.ts";
import { symbolOf } from "./symbol.ts";
import type { Language } from "./words.ts";

export interface PosterWish {
  readonly format: "pdf" | "png";
  readonly size: PaperSize;
  readonly language: Language | "both";
}

/** The file of a poster; the same content and wish give the same bytes. Takes no network and keeps nothing. */
export async function drawPoster(content: PosterContent, wish: PosterWish): Promise<Uint8Array> {
  const { format, size, language } = wish;
  const languages: readonly Language[] = language === "both" ? ["vi", "en"] : [language];
  const page = posterPage(content, await symbolOf(content.code.text), { size, languages, measure: ruler() });
  if (format === "png") return pngOf(page);
  const title = `${content.name} · ${content.code.number}`;
  return pdfOf(page, { title, language: languages[0] ?? "vi", issuedOn: content.code.issuedOn });
}
