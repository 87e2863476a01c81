import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import { accessTokenValidS, otpResendAfterS, otpValidS } from "../../contract/limits.ts";
import {
  normalisePhone,
  type otpChallenge,
  otpRequest,
  otpVerify,
  refreshRequest,
  revokeRequest,
  type TokenReply,
} from "../../contract/people.ts";
import type { Central } from "../context.ts";
import { bodyOf, wrongValue } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import type { TokenPair } from "../tokens.ts";

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
    return tokenReplyOf(central, await central.signIn.verify(challenge_id, code, request.ip));
  });

  server.post("/v1/auth/token", async (request) => {
    const { refresh_token } = bodyOf(request, refreshRequest);
    const pair = await central.tokens.refresh(refresh_token);
    if (!pair) throw new HttpProblem("invalid_grant", "The sign-in has ended; ask for a new one-time code.");
    return tokenReplyOf(central, pair);
  });

  server.post("/v1/auth/token::revoke", async (request, reply) => {
    const { refresh_token } = bodyOf(request, revokeRequest);
    await central.tokens.revoke(refresh_token);
    return reply.code(204).send();
  });
}

/** `0…` form of a phone in a form field. @throws HttpProblem `validation` at `/phone`. */
export function normalisedPhone(text: string): string {
  const phone = normalisePhone(text);
  if (phone === null) {
    throw wrongValue("/phone", "phone_format", "Give a Vietnamese phone number, for example 0912 345 678.");
  }
  return phone;
}

async function tokenReplyOf(central: Central, pair: TokenPair & { personRef: string }): Promise<TokenReply> {
  const grants = await central.store.staff.grantsOf(pair.personRef);
  const current = grants.filter((grant) => grant.validTo === null);
  const name = current.find((grant) => grant.displayName !== "")?.displayName ?? null;
  return {
    access_token: pair.accessToken,
    refresh_token: pair.refreshToken,
    token_type: "DPoP",
    expires_in: accessTokenValidS,
    person: { ref: pair.personRef, name },
    roles: current.map((grant) => ({ checkpoint_id: grant.checkpointId, role: grant.role })),
  };
}
