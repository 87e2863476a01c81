/**
 * What may stay in a name or an address line: NFC, one line, single spaces. Direction marks could show a name as
 * another one, zero-width signs could make two equal names differ; the joiner of emoji (U+200D) stays.
 */
export function writtenText(text: string): string {
  return text
    .toWellFormed()
    .normalize("NFC")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/(?!\u200d)[\p{Cf}\p{Co}\p{Cn}]|\ufffd/gu, "")
    .replace(/\s+/gu, " ")
    .trim();
}

/** The same for `Quán Phở  HÀ NỘI` and `quan pho ha noi`: letters and digits only, without marks and case. */
export function foldedText(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[đĐ]/g, "d")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
