import { z } from "zod";
import { otpValidS } from "../../contract/limits.ts";

/**
 * What a text message says. Without diacritics one part of 160 characters is enough; with them it is 70 a part, which
 * every Vietnamese phone shows and which may cost twice.
 */
export const textConfig = z.strictObject({
  diacritics: z.boolean().default(false),
  /** Another text, with {code} and, where wanted, {minutes} in it. */
  template: z
    .string()
    .max(400)
    .refine((text) => text.includes("{code}"), "must have {code} in it")
    .optional(),
  /**
   * Host name of the owners' pages: adds the last line that lets a phone offer the code to that site only (WebOTP and
   * Apple's domain-bound codes, wicg.github.io/sms-one-time-codes).
   */
  originBound: z
    .string()
    .regex(/^[a-z0-9.-]{1,253}$/, "must be a host name, for example qr.example.vn")
    .optional(),
});
export type TextConfig = z.infer<typeof textConfig>;

const plain = "Tram QR: ma xac nhan cua ban la {code}, co hieu luc {minutes} phut. Khong dua ma nay cho bat ky ai.";
const marked = "Trạm QR: mã xác nhận là {code}, hiệu lực {minutes} phút. Không đưa cho ai.";

export function otpText({ diacritics, template, originBound }: TextConfig, code: string): string {
  const said = (template ?? (diacritics ? marked : plain))
    .replaceAll("{code}", code)
    .replaceAll("{minutes}", String(otpValidS / 60));
  const text = diacritics ? said : withoutDiacritics(said);
  return originBound === undefined ? text : `${text}\n\n@${originBound} #${code}`;
}

/** `Trạm Đỗ` → `Tram Do`. */
function withoutDiacritics(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Mn}/gu, "")
    .replaceAll("đ", "d")
    .replaceAll("Đ", "D");
}
