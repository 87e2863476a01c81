import pino, { type Logger } from "pino";

/** Structured log on standard error: ids, counts and codes; names, numbers, payloads and secrets have no field here. */
export function openLog(name: string): Logger {
  return pino(
    {
      name,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: [
          "*.token",
          "*.accessToken",
          "*.refreshToken",
          "*.code_value",
          "*.phone",
          "*.fields",
          "*.raw_b64",
          "*.rawB64",
          "req.headers.authorization",
        ],
        censor: "[hidden]",
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
