/** How much of a name a file is called by. */
const mostCharacters = 60;

/**
 * `Content-Disposition` of a file to keep: an ASCII name that every system takes, and the same with its letters
 * (RFC 6266, RFC 5987). `parts` are joined by `_`.
 */
export function attachment(parts: readonly string[], extension: string): string {
  const ascii = parts.map(asciiOf).filter(Boolean).join("_") || "file";
  const full = parts.map(lettersOf).filter(Boolean).join("_") || "file";
  const encoded = encodeURIComponent(`${full}.${extension}`).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}.${extension}"; filename*=UTF-8''${encoded}`;
}

function asciiOf(text: string): string {
  const plain = text.normalize("NFD").replaceAll("đ", "d").replaceAll("Đ", "D").replace(/\p{M}/gu, "");
  return plain
    .replace(/[^A-Za-z0-9.-]+/g, "-")
    .replace(/^[-.]+|-+$/g, "")
    .slice(0, mostCharacters);
}

/** Without what Windows, macOS or a shell give a meaning to, and without what is not seen. */
function lettersOf(text: string): string {
  const safe = text
    .toWellFormed()
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}\p{M}.-]+/gu, "-")
    .replace(/^[-.]+|-+$/g, "");
  return Array.from(safe).slice(0, mostCharacters).join("");
}
