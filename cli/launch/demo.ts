import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { systemClock } from "../../agent/clock.ts";
import { CentralApi, type Reply } from "../../agent/sync/central-api.ts";
import { deviceInvitation, ownedDevice, waitingDevice } from "../../contract/devices.ts";
import { newProofKey } from "../../contract/dpop.ts";
import { operations } from "../../contract/operations.ts";
import { otpChallenge, staffMember, type TokenReply, tokenReply } from "../../contract/people.ts";
import { checkpoint } from "../../contract/places.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
import type { AgentClient } from "../agent-client.ts";
import { CommandFailure } from "../failure.ts";

const demo = z.object({ checkpointId: z.uuid(), ownerPhone: z.string(), staffPhone: z.string() });

/** The invented place and people of a first run. */
export type Demo = z.infer<typeof demo>;

/** Waits for the one-time code the centre sends to this phone. */
export type CodeFor = (phone: string) => Promise<string>;

const ownerPhone = "0900000001";
const staffPhone = "0900000002";

/**
 * Registers a demonstration place and staff member at an embedded centre, the way a person would: owner's phone and
 * one-time code, place, staff phone. Done once per data folder; there is no back door for it.
 */
export async function ensureDemo(dataDir: string, centralUrl: string, codeFor: CodeFor): Promise<Demo> {
  const file = path.join(dataDir, "demo.json");
  if (existsSync(file)) return demo.parse(JSON.parse(readFileSync(file, "utf8")));
  const api = new CentralApi(centralUrl, systemClock(), await newProofKey(), () => {});
  const tokens = await signInAsOwner(api, ownerPhone, codeFor);
  const checkpointId = randomUUID();
  must(
    await api.call({
      operation: operations.createCheckpoint,
      accessToken: tokens.access_token,
      schema: checkpoint,
      body: {
        id: checkpointId,
        name: "Quầy lễ tân (mẫu)",
        kind: "office",
        phone: ownerPhone,
        // Hà Nội, phường Hoàn Kiếm (Decision 19/2025/QĐ-TTg).
        address: { units_version: "2025-07-01", province_code: "01", commune_code: "00070", line: "Số 1, đường Mẫu" },
        retention_days: 21,
      },
    }),
  );
  must(
    await api.call({
      operation: { ...operations.addStaff, path: operations.addStaff.path.replace("{id}", checkpointId) },
      accessToken: tokens.access_token,
      schema: staffMember,
      body: { id: randomUUID(), phone: staffPhone, display_name: "Lễ tân (mẫu)", role: "scanner" },
    }),
  );
  await api.call({ operation: operations.revokeToken, body: { refresh_token: tokens.refresh_token }, schema: null });
  const made: Demo = { checkpointId, ownerPhone, staffPhone };
  writeDurably(file, JSON.stringify(made));
  return made;
}

/**
 * The station over `agent` is enrolled as a person would do it: the owner's invitation is shown to it like any other code, then
 * the owner compares what both screens say and approves. A station that belongs to its place already is left alone.
 */
export async function enrolStation(
  agent: AgentClient,
  centralUrl: string,
  place: Demo,
  codeFor: CodeFor,
): Promise<void> {
  const before = await agent.view((view) => view.enrolment, 10_000, "enrolment");
  if (before.state === "enrolled") return;
  const api = new CentralApi(centralUrl, systemClock(), await newProofKey(), () => {});
  const tokens = await signInAsOwner(api, place.ownerPhone, codeFor);
  const accessToken = tokens.access_token;
  const { text } = must(
    await api.call({
      operation: operations.inviteDevice,
      parameters: { id: place.checkpointId },
      body: {},
      accessToken,
      schema: deviceInvitation,
    }),
  );
  agent.send({ kind: "captured", source: "typed", bytesB64: Buffer.from(text, "utf8").toString("base64") });
  const waiting = await agent.view(
    ({ enrolment }) => (enrolment.state === "waiting" ? enrolment : undefined),
    30_000,
    "enrolment",
  );
  const seen = must(
    await api.call({
      operation: operations.lookUpDevice,
      accessToken,
      body: { user_code: waiting.userCode },
      schema: waitingDevice,
    }),
  );
  if (seen.key_fingerprint !== waiting.fingerprint) {
    throw new CommandFailure("Another machine answered under the code of this one; start again.");
  }
  must(
    await api.call({
      operation: operations.approveDevice,
      accessToken,
      body: {
        user_code: waiting.userCode,
        checkpoint_id: place.checkpointId,
        name: "Máy lễ tân (mẫu)",
        key_fingerprint: seen.key_fingerprint,
      },
      schema: ownedDevice,
    }),
  );
  await agent.view(({ enrolment }) => (enrolment.state === "enrolled" ? true : undefined), 30_000, "enrolment");
  await api.call({ operation: operations.revokeToken, body: { refresh_token: tokens.refresh_token }, schema: null });
}

async function signInAsOwner(api: CentralApi, phone: string, codeFor: CodeFor): Promise<TokenReply> {
  const code = codeFor(phone);
  const challenge = must(
    await api.call({ operation: operations.requestOtp, body: { phone, audience: "owner" }, schema: otpChallenge }),
  );
  return must(
    await api.call({
      operation: operations.verifyOtp,
      body: { challenge_id: challenge.challenge_id, code: await code },
      schema: tokenReply,
    }),
  );
}

function must<T>(reply: Reply<T>): T {
  if (reply.kind === "ok") return reply.value;
  const why = reply.kind === "refused" || reply.kind === "busy" ? `${reply.status} ${reply.name}` : reply.detail;
  throw new CommandFailure(
    `The demonstration place could not be registered at the embedded centre (${why}); start again, or with a new --data folder.`,
  );
}
