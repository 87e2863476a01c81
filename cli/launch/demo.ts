import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { systemClock } from "../../agent/clock.ts";
import { CentralApi, type Reply } from "../../agent/sync/central-api.ts";
import { newProofKey } from "../../contract/dpop.ts";
import { operations } from "../../contract/operations.ts";
import { otpChallenge, staffMember, tokenReply } from "../../contract/people.ts";
import { checkpoint } from "../../contract/places.ts";
import { writeDurably } from "../../provisioning/durable-file.ts";
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
  const code = codeFor(ownerPhone);
  const challenge = must(
    await api.call({
      operation: operations.requestOtp,
      body: { phone: ownerPhone, audience: "owner" },
      schema: otpChallenge,
    }),
  );
  const tokens = must(
    await api.call({
      operation: operations.verifyOtp,
      body: { challenge_id: challenge.challenge_id, code: await code },
      schema: tokenReply,
    }),
  );
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

function must<T>(reply: Reply<T>): T {
  if (reply.kind === "ok") return reply.value;
  const why = reply.kind === "refused" || reply.kind === "busy" ? `${reply.status} ${reply.name}` : reply.detail;
  throw new CommandFailure(
    `The demonstration place could not be registered at the embedded centre (${why}); start again, or with a new --data folder.`,
  );
}
