/**
 * Polls until `look` gives something other than undefined or false; fails with what was awaited when the deadline
 * passes. The only way tests wait.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Not within ${withinMs} ms: ${what}${last instanceof Error ? ` (${last.message})` : ""}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
