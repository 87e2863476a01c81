import { readFileSync } from "node:fs";
import { z } from "zod";
import { CentralFault, codeOf } from "../fault.ts";
import { textConfig } from "./text.ts";

/** Where a secret is: it never stands in the configuration itself. */
const secret = z.union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })], {
  error: 'must be {"env": "NAME"} or {"file": "/path"}',
});

const loopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

const gatewayUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  // Nothing of a message may choose the machine that is asked.
  const isFixed = url !== null && !/[{}]|%7b/i.test(url.host) && url.username === "" && url.password === "";
  return isFixed && (url.protocol === "https:" || (url.protocol === "http:" && loopback.test(url.hostname)));
}, "must be an https:// address (http:// on this machine only) whose host has no placeholder and no password");

/**
 * An HTTP gateway as data. Placeholders of url, headers and body: {phone} (`0900000001`), {phone84} (`84900000001`),
 * {text}, and {secret:NAME} for each name under `secrets`. They are escaped for where they stand.
 */
const httpGateway = z.strictObject({
  kind: z.literal("http"),
  method: z.enum(["GET", "POST", "PUT"]).default("POST"),
  url: gatewayUrl,
  headers: z.record(z.string().regex(/^[\w-]+$/), z.string()).default({}),
  body: z.string().optional(),
  /** How placeholders of the body are escaped, and its content type unless a header says another. */
  bodyFormat: z.enum(["json", "form", "xml"]).default("json"),
  secrets: z.record(z.string().regex(/^\w+$/), secret).default({}),
  /** What counts as taken over: one of these statuses and, where a pointer (RFC 6901) is given, one of these values. */
  success: z
    .strictObject({
      status: z.array(z.int().min(200).max(299)).min(1).default([200, 201, 202]),
      pointer: z
        .string()
        .regex(/^(\/[^/]*)*$/, "must be a JSON pointer like /status/code")
        .optional(),
      equals: z.array(z.union([z.string(), z.number(), z.boolean()])).default([]),
    })
    .prefault({}),
  timeoutS: z.number().min(1).max(60).default(10),
  text: textConfig.prefault({}),
});
export type HttpGatewayConfig = z.infer<typeof httpGateway>;

/** An SMPP 3.4 centre, bound as transmitter. */
const smppCentre = z.strictObject({
  kind: z.literal("smpp"),
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).default(2775),
  tls: z.boolean().default(false),
  systemId: z.string().min(1).max(15),
  password: secret,
  /** Sender's name or number, as the operator registered it. */
  source: z.string().min(1).max(20),
  /** Types of number and numbering plans (SMPP 3.4, sections 5.2.5 and 5.2.6). */
  sourceTon: z.int().min(0).max(6).default(5),
  sourceNpi: z.int().min(0).max(18).default(0),
  timeoutS: z.number().min(1).max(60).default(10),
  text: textConfig.prefault({}),
});
export type SmppConfig = z.infer<typeof smppCentre>;

const smsConfig = z.discriminatedUnion("kind", [httpGateway, smppCentre], {
  error: 'must have "kind": "http" or "kind": "smpp"',
});

/** A sender's configuration with its secrets read. */
export type SmsConfig =
  | { readonly kind: "http"; readonly gateway: HttpGatewayConfig; readonly secrets: ReadonlyMap<string, string> }
  | { readonly kind: "smpp"; readonly centre: SmppConfig; readonly password: string };

/**
 * Reads the file given with `--sms`.
 * @throws CentralFault with one sentence for each mistake
 */
export function readSmsConfig(file: string, env: NodeJS.ProcessEnv = process.env): SmsConfig {
  const parsed = smsConfig.safeParse(jsonIn(file));
  if (!parsed.success) {
    throw new CentralFault(
      parsed.error.issues.map(({ path, message }) => mistake(file, path.join("."), message)).join("\n"),
    );
  }
  const config = parsed.data;
  if (config.kind === "smpp") {
    return { kind: "smpp", centre: config, password: secretIn(file, "password", config.password, env) };
  }
  const secrets = new Map(
    Object.entries(config.secrets).map(([name, where]) => [name, secretIn(file, `secrets.${name}`, where, env)]),
  );
  const used = [config.url, config.body ?? "", ...Object.values(config.headers)].join("\n");
  const unknown = [...used.matchAll(/\{secret:(\w+)\}/g)]
    .map(([, name = ""]) => name)
    .find((name) => !secrets.has(name));
  if (unknown !== undefined) throw new CentralFault(mistake(file, `secrets.${unknown}`, "is used and not given"));
  if (!used.includes("{text}"))
    throw new CentralFault(mistake(file, "body", "must have {text} in it, or the url must"));
  return { kind: "http", gateway: config, secrets };
}

function jsonIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? "it is not valid JSON" : codeOf(cause);
    throw new CentralFault(`Cannot read the SMS file ${file} (${why}): correct it and start again.`, { cause });
  }
}

function secretIn(file: string, name: string, where: z.infer<typeof secret>, env: NodeJS.ProcessEnv): string {
  if ("env" in where) {
    const value = env[where.env];
    if (value) return value;
    throw new CentralFault(mistake(file, name, `names the environment variable ${where.env}, which is not set`));
  }
  try {
    const value = readFileSync(where.file, "utf8").trim();
    if (value !== "") return value;
    throw new CentralFault(mistake(file, name, `names ${where.file}, which is empty`));
  } catch (cause) {
    if (cause instanceof CentralFault) throw cause;
    throw new CentralFault(mistake(file, name, `names ${where.file}, which cannot be read (${codeOf(cause)})`));
  }
}

const mistake = (file: string, where: string, what: string): string =>
  `In the SMS file ${file}, ${where === "" ? "the whole" : `"${where}"`} is wrong: ${what.replace(/\.$/, "")}.`;
