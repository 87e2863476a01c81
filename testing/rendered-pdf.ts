import { execFileSync } from "node:child_process";
import type { GreyPicture } from "./camera-frames/grey-picture.ts";
import { readPgm } from "./grey-images.ts";

const options = { maxBuffer: 64 * 1024 * 1024 };

/** The first page of a PDF as poppler draws it. */
export function renderedPdf(pdf: Uint8Array, dotsPerInch: number): GreyPicture {
  const args = ["-gray", "-r", String(dotsPerInch), "-f", "1", "-l", "1", "-"];
  return readPgm(execFileSync("pdftoppm", args, { ...options, input: pdf }));
}

/** What a program of poppler-utils tells of a PDF: `pdffonts`, `pdfimages -list`, `pdfinfo`, `pdftotext`. */
export function toldOfPdf(program: string, args: readonly string[], pdf: Uint8Array): string {
  return execFileSync(program, args, { ...options, input: pdf }).toString("utf8");
}
