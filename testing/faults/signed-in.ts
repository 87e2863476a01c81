import { existsSync } from "node:fs";
import path from "node:path";
import { CredentialStore } from "../../agent/duty/credential-store.ts";
import type { TokenReply } from "../../contract/people.ts";
import { checkpoint } from "../../contract/places.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { checkpointId } from "../drafts.ts";
import type { FakeCentre } from "../fake-centre.ts";
import { memberOf, onDutyAlone } from "../on-duty.ts";
import type { AgentUnderTest } from "./station-under-test.ts";

const staffRef = "staff-1";
const shownWithinMs = 60_000;
/** Whoever signs in at a screen. */
export const staffPhone = "0900000001";
/** Any code is right. */
const oneTimeCode = "000000";

const place = checkpoint.parse({
  id: checkpointId,
  name: "Cổng thử nghiệm",
  kind: "office",
  kind_status: "declared",
  address: { units_version: "2025-07-01", province_code: "01", commune_code: "00001", line: "Số 1 Phố Thử" },
  policy: { record_when_expired: true, rescan_s: 3 },
  role: "scanner",
});

/** Makes a scripted centre answer everything about people: any phone signs in with any code, every refresh succeeds. */
export function answerSignIn(centre: FakeCentre): void {
  let issued = 0;
  const tokens = (): TokenReply => {
    issued++;
    return {
      access_token: `access-${issued}`,
      refresh_token: `refresh-${issued}`,
      token_type: "DPoP",
      expires_in: 900,
      person: { ref: staffRef, name: "Trần Thị Thử" },
      roles: [{ checkpoint_id: checkpointId, role: "scanner" }],
    };
  };
  centre.other = (name, _body, answer) => {
    switch (name) {
      case "/v1/auth/otp":
        return answer.json(202, { challenge_id: checkpointId, expires_in: 300, resend_after: 60 });
      case "/v1/auth/otp:verify":
      case "/v1/auth/token":
        return answer.json(200, tokens());
      case "/v1/auth/token:revoke":
        return answer.raw(204, {}, "");
      case "/v1/me/checkpoints":
        return answer.json(200, { items: [place] });
      default:
        return answer.problem(404, "not_found");
    }
  };
}

/** Leaves a staff credential in a data folder, as a sign-in before the fault would have; makes the key where missing. */
export function leaveCredential(dataDir: string): void {
  const keys = loadStationKeys(path.join(dataDir, "station.key"), true);
  const file = path.join(dataDir, "duty.sealed");
  if (existsSync(file)) return;
  const tokens = { accessToken: "access-0", refreshToken: "refresh-0" };
  new CredentialStore(file, keys.duty).write(onDutyAlone(memberOf(staffRef, tokens)));
}

/** Somebody signs in at the screen before a centre of {@link answerSignIn}. */
export async function signInAtScreen(agent: AgentUnderTest): Promise<void> {
  const client = await agent.client();
  client.send({ kind: "sign-in", phone: staffPhone });
  await client.view(({ duty }) => duty.state === "code-sent" || undefined, shownWithinMs, "code sent");
  client.send({ kind: "verify", code: oneTimeCode });
  await client.view(({ duty }) => duty.state === "signed-in" || undefined, shownWithinMs, "signed in");
}

/** Who has just signed in chooses a PIN. */
export async function choosePin(agent: AgentUnderTest, pin: string): Promise<void> {
  const client = await agent.client();
  client.send({ kind: "choose-pin", pin, again: pin });
  await client.view(
    ({ staff }) => staff.known.some(({ pin: chosen }) => chosen === "set") || undefined,
    shownWithinMs,
    "the PIN is set",
  );
}
