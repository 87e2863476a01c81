import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { approveDevice, devicePoll, enrolRequest, userCodeRequest } from "../../contract/devices.ts";
import { enrolmentValidS } from "../../contract/limits.ts";
import { type Central, callerOf } from "../context.ts";
import { ownedDeviceOf } from "../device-view.ts";
import type { Owner } from "../enrolment.ts";
import { bodyOf, checked } from "../http-body.ts";
import { HttpProblem } from "../http-problem.ts";
import { codePicture } from "../poster/symbol.ts";

const place = z.object({ id: z.uuid() });

/** Machines ask to be enrolled, owners invite and decide. */
export function enrolmentRoutes(server: FastifyInstance, central: Central): void {
  const { enrolment, proofs } = central;

  server.post("/v1/devices::enrol", async (request) => {
    const body = bodyOf(request, enrolRequest);
    return enrolment.ask(body, await proofs.thumbprint(request), request.ip);
  });

  server.post("/v1/devices::token", async (request) => {
    const { device_code } = bodyOf(request, devicePoll);
    return enrolment.poll(device_code, await proofs.thumbprint(request));
  });

  server.post("/v1/devices::look-up", async (request) => {
    const owner = await ownerOf(central, request);
    return enrolment.lookUp(bodyOf(request, userCodeRequest).user_code, owner);
  });

  server.post("/v1/devices::approve", async (request) => {
    const owner = await ownerOf(central, request);
    const { user_code, checkpoint_id, name, key_fingerprint, replace_key } = bodyOf(request, approveDevice);
    const device = await enrolment.approve(
      {
        userCode: user_code,
        checkpointId: checkpoint_id,
        name,
        keyFingerprint: key_fingerprint,
        replaceKey: replace_key,
      },
      owner,
    );
    return ownedDeviceOf(central, device);
  });

  server.post("/v1/devices::deny", async (request, reply) => {
    const owner = await ownerOf(central, request);
    await enrolment.deny(bodyOf(request, userCodeRequest).user_code, owner);
    return reply.code(204).send();
  });

  server.post("/v1/checkpoints/:id/device-invitations", async (request, reply) => {
    const owner = await ownerOf(central, request);
    const { id } = checked(request.params, place);
    const { text, expiresAt } = await enrolment.invite(id, owner);
    return reply.code(201).send({
      text,
      expires_in: enrolmentValidS,
      expires_at: new Date(expiresAt).toISOString(),
      qr: await codePicture(text),
    });
  });
}

/** @throws HttpProblem `forbidden` for who did not sign in as an owner */
async function ownerOf(central: Central, request: FastifyRequest): Promise<Owner> {
  const { personRef, audience } = await callerOf(central, request);
  if (audience !== "owner") throw new HttpProblem("forbidden", "Sign in as an owner to decide about machines.");
  return { personRef, address: request.ip };
}
