/**
 * The code in what was typed or pasted: six digits that stand together, else the digits that are there.
 * `Trạm QR: 123456 là mã…` → `123456`.
 */
export function codeIn(typed: string): string {
  return /(?<!\d)\d{6}(?!\d)/.exec(typed)?.[0] ?? typed.replace(/\D/g, "").slice(0, 6);
}

interface OtpCredential {
  readonly code: string;
}

/**
 * The code of a message that names this page's address, where the browser reads it for us (WebOTP); null elsewhere,
 * and when the person declines.
 */
export async function codeFromMessage(signal: AbortSignal): Promise<string | null> {
  if (!("OTPCredential" in globalThis)) return null;
  const wanted = { otp: { transport: ["sms"] }, signal } as CredentialRequestOptions;
  const found = await navigator.credentials.get(wanted).catch(() => null);
  return (found as unknown as OtpCredential | null)?.code ?? null;
}
