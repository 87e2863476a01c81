import type { Call, CentralApi, Reply } from "../agent/sync/central-api.ts";
import { operations } from "../contract/operations.ts";
import { otpChallenge, tokenReply } from "../contract/people.ts";
import type { Questions } from "./ask.ts";
import { CommandFailure } from "./failure.ts";

/** A sign-in of one command: its tokens are in this process only and end with it. */
export interface CentralSession {
  /** @throws CommandFailure with one sentence for whatever went wrong. */
  call<T>(call: Omit<Call<T>, "accessToken">): Promise<T>;
  /** Signs out, as far as the centre can be reached. */
  end(): Promise<void>;
}

const codeAttempts = 5;

/** Signs an owner or supervisor in by phone and one-time code. @throws CommandFailure. */
export async function signInAtCentre(
  api: CentralApi,
  questions: Questions,
  phoneGiven: string | undefined,
): Promise<CentralSession> {
  const phone = phoneGiven ?? (await questions.ask("Phone of an owner or supervisor of the place: "));
  const asked = { operation: operations.requestOtp, body: { phone, audience: "owner" }, schema: otpChallenge };
  const { challenge_id } = wanted(await api.call(asked));
  for (let left = codeAttempts; ; left--) {
    const code = await questions.ask("One-time code sent to that phone: ");
    const body = { challenge_id, code };
    const reply = await api.call({ operation: operations.verifyOtp, body, schema: tokenReply });
    const again = reply.kind === "refused" && (reply.name === "wrong_code" || reply.name === "validation") && left > 1;
    if (again) {
      process.stderr.write("That is not the code; type the 6 digits again.\n");
      continue;
    }
    const { access_token: accessToken, refresh_token } = wanted(reply);
    return {
      call: async (call) => wanted(await api.call({ ...call, accessToken })),
      end: async () => {
        await api.call({ operation: operations.revokeToken, body: { refresh_token }, schema: null });
      },
    };
  }
}

/** What a call brought. @throws CommandFailure with the centre's own sentence, or why there is none. */
function wanted<T>(reply: Reply<T>): T {
  switch (reply.kind) {
    case "ok":
      return reply.value;
    case "refused":
      throw new CommandFailure(reply.problem?.detail ?? `The centre refused this (${reply.status}).`);
    case "busy": {
      const wait = Math.ceil((reply.retryAfterMs ?? 60_000) / 1000);
      throw new CommandFailure(`The centre is busy; run the same command again in ${wait} seconds.`);
    }
    case "foreign":
      throw new CommandFailure(
        `Something other than the centre answered (${reply.detail}); check the address and the network's sign-in page.`,
      );
    case "unreachable":
      throw new CommandFailure(`The centre cannot be reached (${reply.detail}); check the network and the address.`);
  }
}
