import type { OtpSender } from "../otp-senders.ts";
import type { SmsConfig } from "./config.ts";
import { httpGatewaySender } from "./http-gateway.ts";
import { smppSender } from "./smpp.ts";

/** The sender that a configuration names. */
export function smsSender(config: SmsConfig): OtpSender {
  return config.kind === "http"
    ? httpGatewaySender(config.gateway, config.secrets)
    : smppSender(config.centre, config.password);
}
