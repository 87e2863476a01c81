import { readFileSync } from "node:fs";
import { z } from "zod";
import { AgentError } from "./agent-error.ts";

const loopbackHosts = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** HTTPS everywhere; plain HTTP only to this machine. */
export const centralUrl = z.url({ protocol: /^https?$/ }).refine(
  (text) => {
    const url = URL.parse(text);
    return url?.protocol === "https:" || (url !== null && loopbackHosts.has(url.hostname));
  },
  { error: "must start with https:// (plain http:// is allowed to 127.0.0.1 only)" },
);

export const agentConfig = z.strictObject({
  /** Folder of the journal, its key and the staff credential. */
  dataDir: z.string().min(1),
  /** Base address of the central service; when absent, the owner's invitation tells it. */
  central: centralUrl.optional(),
  /**
   * The place this machine records for while it is not enrolled: entries wait for the owner's approval. When absent, such
   * a machine records nobody. The owner's word is what counts once it is enrolled.
   */
  checkpointId: z.uuid().optional(),
  /**
   * Reader specs, e.g. `serial:/dev/ttyACM0?baud=115200&direction=in&name=Gate 1`; `auto` takes whatever else is
   * plugged in and known to be a reader.
   */
  readers: z.array(z.string().min(1)).max(16).default(["auto"]),
  /** Port of the kiosk page on 127.0.0.1; 0 takes a free one at each start, which an open page cannot follow. */
  kioskPort: z.int().min(0).max(65_535).default(7081),
  gate: z
    .strictObject({
      /** The same payload on the same reader within this many seconds is one scan; the place's policy when absent. */
      rescanS: z.number().min(0).max(60).optional(),
      /** Direction of scans that come from the page (typed, keyboard, webcam). */
      pageDirection: z.enum(["in", "out", "auto"]).default("auto"),
      /** Relays that open a gate, e.g. `lcus:/dev/ttyUSB0?channel=1&direction=in&pulse=300&name=Barrier 1`. */
      relays: z.array(z.string().min(1)).max(16).default([]),
    })
    .prefault({}),
  /** Sounds asked of the readers that are known to obey; a reader's own beep stays as it is. */
  indication: z
    .strictObject({
      /** Beep when a code was accepted: for readers whose own beep was turned off. */
      beepGood: z.boolean().default(false),
      /** Beep when a code was not taken, or staff must look first. */
      beepBad: z.boolean().default(true),
    })
    .prefault({}),
  /** What the kiosk page itself captures beside the readers. */
  capture: z
    .strictObject({
      /** `fallback` offers the camera while no reader is ready, `always` keeps it running, `off` never uses it. */
      camera: z.enum(["off", "fallback", "always"]).default("fallback"),
      /** Take the keys of readers in keyboard mode that are typed on the page. */
      keyboard: z.boolean().default(true),
    })
    .prefault({}),
  journal: z
    .strictObject({
      /**
       * File with the owner's public key (PEM, RSA of 3072 bits or more): whoever holds the private part can read the
       * rows when this machine or its key is lost. Without one, losing station.key is losing what was not sent.
       */
      ownerKey: z.string().min(1).optional(),
      /** Hours that an entry stays here after the centre has it, counted as running time; then it is erased. */
      keepStoredHours: z.number().min(0).max(72).default(24),
      /** Room kept back, so that a full disk can be cured; less only on a small disk. */
      ballastMiB: z.number().min(0).max(4_096).default(64),
      /** The journal is copied beside itself this often. */
      backupMinutes: z.number().min(0.05).max(1_440).default(60),
    })
    .prefault({}),
  /** Allow a data folder that forgets (tmpfs, overlay): for demonstrations only. */
  demo: z.boolean().default(false),
});

export type AgentConfig = z.infer<typeof agentConfig>;

/**
 * Reads and checks a configuration file (JSON).
 *
 * @throws AgentError `config.unreadable`, `config.invalid` naming the key and what it may be
 */
export function loadAgentConfig(file: string): AgentConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new AgentError(
      "config.unreadable",
      `The configuration ${file} cannot be read (${(cause as NodeJS.ErrnoException).code}); check the path given with --config.`,
      { cause },
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AgentError(
      "config.invalid",
      `The configuration ${file} is not JSON (${(cause as Error).message}); correct the file.`,
      { cause },
    );
  }
  const parsed = agentConfig.safeParse(json);
  if (parsed.success) return parsed.data;
  const [mistake] = mistakesOf(parsed.error);
  throw new AgentError("config.invalid", `The configuration ${file} ${mistake}; correct the file.`);
}

/** Every mistake of a configuration that is JSON, each as `does not know the key …` or `has a bad value at …`. */
export function configMistakes(json: unknown): string[] {
  const parsed = agentConfig.safeParse(json);
  return parsed.success ? [] : mistakesOf(parsed.error);
}

function mistakesOf(error: z.ZodError): string[] {
  const allowed = Object.keys(agentConfig.shape).join(", ");
  return error.issues.map((issue) => {
    const where = issue.path.join(".");
    return issue.code === "unrecognized_keys"
      ? `does not know the key ${[...(where ? [where] : []), issue.keys.join(", ")].join(".")} (known: ${allowed})`
      : `has a bad value at "${where}": ${issue.message}`;
  });
}
