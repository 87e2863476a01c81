export const pageScheme = "app";
export const pageUrl = `${pageScheme}://tram/index.html`;

/** True for a URL of our own page. Compared by its parts: Node's `URL.origin` is "null" for every custom scheme. */
export function isPageUrl(text: string | undefined | null): boolean {
  const url = text ? URL.parse(text) : null;
  return url?.protocol === `${pageScheme}:` && url.host === "tram" && url.username === "";
}
