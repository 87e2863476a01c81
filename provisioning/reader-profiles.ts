import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { writeDurably } from "./durable-file.ts";

/** No reader is slower, and no prefix longer. */
export const readerProfileLimits = { gapMs: 1000, prefixLength: 16 } as const;

const readerProfile = z.object({
  /** As the agent calls it, e.g. `serial:usb:0c2e:0b6a:SN1`: maker, product and serial number where they are known. */
  readerId: z.string().min(1),
  name: z.string(),
  transport: z.string(),
  /** ISO 8601, UTC. */
  testedAt: z.iso.datetime(),
  verdict: z.enum(["exact", "usable", "faulty"]),
  /** Finding codes of the reader test, each with its detail. */
  findings: z.array(z.object({ code: z.string(), detail: z.string().nullable() })),
  /** How the reader ends a scan (`CR`, `Enter`, `none`); null where its transport does not tell. */
  terminator: z.string().nullable(),
  /** Encoding of its text; null when that could not be told. */
  encoding: z.string().nullable(),
  /** Name of the keyboard layout that changed its keys; null when none did. */
  layout: z.string().nullable(),
  /** Text it puts in front of each scan; null when there is none. */
  prefix: z.string().nullable(),
  /** Mean time from key to key of a reader in keyboard mode, in ms. */
  msPerKey: z.number().nullable(),
  /** For a reader in keyboard mode: how its keys are read from then on (`drivers/keyboard/calibration.ts`). */
  keyboard: z
    .object({
      gapMs: z.number().min(50).max(readerProfileLimits.gapMs),
      layout: z.enum(["us", "system"]),
      prefix: z.string().max(readerProfileLimits.prefixLength),
    })
    .optional(),
});

/** What the guided test learned of one reader. Holds nothing of any person. */
export type ReaderProfile = z.infer<typeof readerProfile>;

const profilesFile = z.object({ version: z.literal(1), readers: z.array(readerProfile) });

/** What is known of all tested readers, and a sentence when the file was there and could not be used. */
export interface ReaderProfiles {
  readonly readers: readonly ReaderProfile[];
  readonly problem: string | null;
}

const fileIn = (dataDir: string): string => path.join(dataDir, "reader-profiles.json");

/** Reads the profiles of a data folder. A file that cannot be used is as good as none: readers are only tested again. */
export function loadReaderProfiles(dataDir: string): ReaderProfiles {
  const file = fileIn(dataDir);
  const unusable = (why: string): ReaderProfiles => ({
    readers: [],
    problem: `The reader profiles ${file} cannot be used (${why}); test the readers again with tram readers --test.`,
  });
  try {
    const parsed = profilesFile.safeParse(JSON.parse(readFileSync(file, "utf8")));
    return parsed.success ? { readers: parsed.data.readers, problem: null } : unusable("not as this version writes it");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { readers: [], problem: null };
    return unusable(error instanceof SyntaxError ? "not JSON" : String((error as NodeJS.ErrnoException).code));
  }
}

/** Keeps `profile` in the place of an older one of the same reader. Durable, readable by its owner only. */
export function saveReaderProfile(dataDir: string, profile: ReaderProfile): void {
  const others = loadReaderProfiles(dataDir).readers.filter(({ readerId }) => readerId !== profile.readerId);
  const content = { version: 1, readers: [...others, profile] } satisfies z.input<typeof profilesFile>;
  writeDurably(fileIn(dataDir), `${JSON.stringify(content, null, 1)}\n`);
}
