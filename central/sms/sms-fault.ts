/** A message that was not taken over. Its text names no phone, no code and no secret. */
export class SmsFault extends Error {
  /** For the log: `http-500`, `smpp-0x58`. */
  readonly code: string;
  /** Whether another attempt may go better. */
  readonly mayPass: boolean;

  constructor(code: string, mayPass: boolean) {
    super(`The message was not taken over (${code}).`);
    this.name = "SmsFault";
    this.code = code;
    this.mayPass = mayPass;
  }
}

/** Pauses before the further attempts, ms. A code lives five minutes; one that comes after a minute is seldom used. */
const pausesMs = [1_000, 3_000, 8_000, 15_000];

/** Tries again what may pass; the last fault is thrown. */
export async function persistently(attempt: () => Promise<void>, pause = sleep): Promise<void> {
  for (const pauseMs of pausesMs) {
    try {
      return await attempt();
    } catch (fault) {
      if (!(fault instanceof SmsFault) || !fault.mayPass) throw fault;
      await pause(pauseMs);
    }
  }
  return attempt();
}

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
