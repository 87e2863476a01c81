import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { accessTokenValidS, otpResendAfterS, otpValidS } from "../../contract/limits.ts";
import {
  normalisePhone,
  type otpChallenge,
  otpRequest,
  otpVerify,
  revokeRequest,
  type TokenReply,
} from "../../contract/people.ts";
import { type DeviceTokenReply, tokenRequest } from "../../contract/sign-in.ts";
import type { Central } from "../context.ts";
import { bodyOf, wrongValue } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import type { SignedIn } from "../tokens.ts";

/** Sign-in by one-time code, refresh and sign-out. */
export function authRoutes(server: FastifyInstance, central: Central): void {
  server.post("/v1/auth/otp", async (request, reply) => {
    const { phone, audience } = bodyOf(request, otpRequest);
    const { challengeId } = await central.signIn.request(normalisedPhone(phone), audience, request.ip);
    const challenge: z.infer<typeof otpChallenge> = {
      challenge_id: challengeId,
      expires_in: otpValidS,
      resend_after: otpResendAfterS,
    };
    return reply.code(202).send(challenge);
  });

  server.post("/v1/auth/otp::verify", async (request) => {
    const { challenge_id, code } = bodyOf(request, otpVerify);
    const jkt = await central.proofs.thumbprint(request);
    return tokenReplyOf(central, await central.signIn.verify({ challengeId: challenge_id, code, jkt }, request.ip));
  });

  server.post("/v1/auth/token", async (request) => {
    const asked = bodyOf(request, tokenRequest);
    const jkt = await central.proofs.thumbprint(request);
    if (asked.grant_type === "device") return deviceToken(central, asked.device_id, jkt);
    const pair = await central.tokens.refresh(asked.refresh_token, jkt);
    if (pair === "ended") throw new HttpProblem("invalid_grant", "The sign-in has ended; ask for a new one-time code.");
    if (pair === "other-key") throw otherKey();
    return tokenReplyOf(central, pair);
  });

  server.post("/v1/auth/token::revoke", async (request, reply) => {
    const { refresh_token } = bodyOf(request, revokeRequest);
    if (!(await central.tokens.revoke(refresh_token, await central.proofs.thumbprint(request)))) throw otherKey();
    return reply.code(204).send();
  });
}

const otherKey = () => new HttpProblem("invalid_token", "This sign-in belongs to another key.");

/** @throws HttpProblem `device_not_enrolled`, also for another key than the enrolled one */
async function deviceToken(central: Central, deviceId: string, jkt: string): Promise<DeviceTokenReply> {
  const opened = await central.tokens.openForDevice(deviceId, jkt);
  if (!opened) {
    throw new HttpProblem(
      "device_not_enrolled",
      "This machine is not enrolled with this key; enrol it with its owner.",
    );
  }
  const { accessToken, revoked } = opened;
  return { access_token: accessToken, token_type: "DPoP", expires_in: accessTokenValidS, revoked };
}

/** `0…` form of a phone in a form field. @throws HttpProblem `validation` at `/phone`. */
export function normalisedPhone(text: string): string {
  const phone = normalisePhone(text);
  if (phone === null) {
    throw wrongValue("/phone", "phone_format", "Give a Vietnamese phone number, for example 0912 345 678.");
  }
  return phone;
}

async function tokenReplyOf({ store }: Central, signedIn: SignedIn): Promise<TokenReply> {
  const { accessToken, refreshToken, personRef, audience } = signedIn;
  const grants = await store.staff.grantsOf(personRef);
  const current = grants.filter((grant) => grant.validTo === null);
  const name = current.find((grant) => grant.displayName !== "")?.displayName ?? null;
  const reply: Omit<TokenReply, "roles"> = {
    access_token: accessToken,
    refresh_token: refreshToken,
    token_type: "DPoP",
    expires_in: accessTokenValidS,
    person: { ref: personRef, name },
  };
  if (audience === "official") {
    const offices = await store.officials.current(personRef);
    const official = offices.map(({ right, unitCodes }) => ({ right, unit_codes: [...unitCodes] }));
    return { ...reply, roles: [], official };
  }
  return { ...reply, roles: current.map((grant) => ({ checkpoint_id: grant.checkpointId, role: grant.role })) };
}
