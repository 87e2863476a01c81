/** Writes one JSON line to standard error for the service manager. Never anything of a scan. */
export function report(event: string, facts: Readonly<Record<string, string | number>> = {}): void {
  process.stderr.write(`${JSON.stringify({ event, ...facts })}\n`);
}
