import path from "node:path";

/** Folders of the build, beside the program's own. */
export const builtFolder = (name: "kiosk" | "pages" | "shell"): string => path.join(import.meta.dirname, "..", name);

/**
 * What Node is told when it runs an agent: the garbage of a moment is collected in steps of 2 MiB. Left alone its memory
 * grows by 30 MiB and more while a backlog passes through, and never shrinks.
 */
export const agentNodeFlags: readonly string[] = ["--max-semi-space-size=2"];

/**
 * Environment of our programs' children: one arena of memory for all threads of a process (mallopt(3), M_ARENA_MAX). With
 * one for each thread an agent keeps 45 MiB more after a backlog has passed through. Other systems do not know the name.
 */
export const childEnvironment = (): NodeJS.ProcessEnv => ({ MALLOC_ARENA_MAX: "1", ...process.env });

/** The program itself, as it is started again as a child. */
export const ownProgram = (): string => path.join(import.meta.dirname, "tram.js");

/** One machine-readable line on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Control characters would let a payload drive the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
