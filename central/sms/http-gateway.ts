import type { OtpSender } from "../otp-senders.ts";
import type { HttpGatewayConfig } from "./config.ts";
import { persistently, SmsFault } from "./sms-fault.ts";
import { otpText } from "./text.ts";

const mostReplyBytes = 64 * 1024;
const contentTypes = {
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  xml: "application/xml; charset=utf-8",
} as const;

type Escape = (value: string) => string;

const escapes: Record<HttpGatewayConfig["bodyFormat"], Escape> = {
  json: (value) => JSON.stringify(value).slice(1, -1),
  form: encodeURIComponent,
  xml: (value) => value.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`),
};

/**
 * Sends each code by one HTTP call, as the configuration says. No redirect is followed and no proxy of the environment
 * used; the reply is bounded in time and size and is never logged.
 */
export function httpGatewaySender(
  config: HttpGatewayConfig,
  secrets: ReadonlyMap<string, string>,
  pause?: (ms: number) => Promise<void>,
): OtpSender {
  return {
    send(phone, code) {
      const values: Record<string, string> = {
        phone,
        phone84: phone.replace(/^0/, "84"),
        text: otpText(config.text, code),
      };
      const filled = (template: string, escaped: Escape): string =>
        template.replace(/\{(?:secret:(\w+)|(phone|phone84|text))\}/g, (_, secret?: string, name = "") =>
          escaped((secret === undefined ? values[name] : secrets.get(secret)) ?? ""),
        );
      const headers = Object.fromEntries(
        Object.entries(config.headers).map(([name, value]) => [
          name,
          filled(value, (text) => text.replace(/\s+/g, " ")),
        ]),
      );
      const request: RequestInit = {
        method: config.method,
        headers: { "content-type": contentTypes[config.bodyFormat], ...headers },
        ...(config.body === undefined ? {} : { body: filled(config.body, escapes[config.bodyFormat]) }),
        redirect: "manual",
      };
      return persistently(() => sendOnce(filled(config.url, encodeURIComponent), request, config), pause);
    },
  };
}

async function sendOnce(url: string, request: RequestInit, { success, timeoutS }: HttpGatewayConfig): Promise<void> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { ...request, signal: AbortSignal.timeout(timeoutS * 1000) });
    text = await bounded(response);
  } catch (error) {
    if (error instanceof SmsFault) throw error;
    throw new SmsFault(
      error instanceof Error && error.name === "TimeoutError" ? "http-timeout" : "http-unreachable",
      true,
    );
  }
  const { status } = response;
  if (!success.status.includes(status)) {
    throw new SmsFault(`http-${status}`, status === 408 || status === 429 || status >= 500);
  }
  if (success.pointer === undefined) return;
  const value = valueAt(text, success.pointer);
  const isSuccess =
    success.equals.length === 0 ? value !== undefined : success.equals.some((wanted) => wanted === value);
  if (!isSuccess) throw new SmsFault("http-refused", false);
}

/** The reply's text. @throws SmsFault when it is too large. */
async function bounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > mostReplyBytes) throw new SmsFault("http-reply-too-large", false);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** RFC 6901; undefined where the reply has nothing there. */
function valueAt(text: string, pointer: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
