/** Why the service cannot start or go on; `message` is one sentence that says what to do. */
export class CentralFault extends Error {
  override readonly name = "CentralFault";
}

/** The `code` of a system or SQLite error, or an empty text. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
