import type { Writable } from "node:stream";
import type { Audience } from "../contract/people.ts";

/** What a one-time code is for. */
export type OtpPurpose = Audience;

/** Brings a one-time code to a phone: SMS gateway, voice call, or the console of a demonstration. */
export interface OtpSender {
  /** `phone` is normalised (`0900000001`), `code` has six digits. A rejection is logged without either. */
  send(phone: string, code: string, purpose: OtpPurpose): Promise<void>;
}

/**
 * A sender for demonstrations and first set-up: one line per code on `stream`.
 * With `json`: `{"event":"otp","phone":"0900000001","code":"123456"}`. Never give it a log file.
 */
export function consoleOtpSender(stream: Writable, options: { json: boolean }): OtpSender {
  return {
    send(phone, code) {
      const line = options.json
        ? JSON.stringify({ event: "otp", phone, code })
        : `One-time code for ${phone}: ${code} (valid for 5 minutes)`;
      return new Promise((resolve, reject) => {
        stream.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
      });
    },
  };
}
