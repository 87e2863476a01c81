import type { z } from "zod";
import { operations } from "../../contract/operations.ts";
import { maskPhone, normalisePhone, otpChallenge, type TokenReply, tokenReply } from "../../contract/people.ts";
import { type Checkpoint, checkpointsPage } from "../../contract/places.ts";
import type { Clock } from "../clock.ts";
import type { DutyView, Sentence } from "../kiosk-port/view.ts";
import type { CentralApi, Reply } from "../sync/central-api.ts";
import type { UploadCredential } from "../sync/outbox.ts";
import type { Credential, CredentialStore } from "./credential-store.ts";
import { dutySentences } from "./sentences.ts";

export interface DutyOptions {
  readonly api: CentralApi;
  readonly store: CredentialStore;
  readonly clock: Clock;
  readonly deviceId: string;
  /** The place this machine is bound to, or null before the first sign-in. */
  readonly boundCheckpoint: () => string | null;
  /** The centre's word about the place this machine serves: keep it for the offline days. */
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
  /** Somebody signed in or out, or the sign-in moved on. */
  readonly onChange: () => void;
  /** A usable credential is there: sending may start. */
  readonly onSignedIn: () => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

type SignIn =
  | { readonly step: "sending"; readonly phone: string }
  | {
      readonly step: "code-sent";
      readonly phone: string;
      readonly challengeId: string;
      readonly resendAtMono: number;
      readonly message: Sentence | null;
    }
  | { readonly step: "verifying"; readonly phone: string };

/**
 * Who stands behind the entries right now. Never on the scan path: every answer about the present comes from memory,
 * every call to the centre happens beside it.
 */
export class Duty implements UploadCredential {
  readonly #options: DutyOptions;
  #credential: Credential | null;
  #revocations: readonly string[];
  #signIn: SignIn | null = null;
  #message: Sentence | null = null;
  #renewing: Promise<"renewed" | "ended" | "try-later"> | null = null;

  constructor(options: DutyOptions) {
    this.#options = options;
    const { credential, revocations } = options.store.read();
    this.#credential = credential;
    this.#revocations = revocations;
  }

  /** State and staff reference for the entry being recorded this instant. */
  get present(): { state: "signed-in" | "expired" | "none"; staffRef: string | null } {
    if (this.#credential === null) return { state: "none", staffRef: null };
    return { state: this.#credential.expired ? "expired" : "signed-in", staffRef: this.#credential.staffRef };
  }

  get view(): DutyView {
    const signIn = this.#signIn;
    if (signIn !== null) {
      const phoneMasked = maskPhone(signIn.phone);
      if (signIn.step !== "code-sent") return { state: signIn.step, phoneMasked };
      const resendAfterS = Math.max(0, Math.ceil((signIn.resendAtMono - this.#options.clock.monoMs()) / 1000));
      return { state: "code-sent", phoneMasked, resendAfterS, message: signIn.message };
    }
    // An ended credential needs a sign-in: why the last one failed is what the clerk must read.
    if (this.#credential === null || (this.#credential.expired && this.#message !== null)) {
      return { state: "none", message: this.#message };
    }
    const { name, phoneMasked, expired } = this.#credential;
    return { state: "signed-in", name, phoneMasked, expired };
  }

  /** Asks the centre to send a code to this phone. */
  async requestCode(phoneText: string): Promise<void> {
    const phone = normalisePhone(phoneText);
    if (phone === null) return this.#end(dutySentences.phoneFormat);
    if (this.#signIn?.step === "sending" || this.#signIn?.step === "verifying") return;
    this.#step({ step: "sending", phone });
    const reply = await this.#options.api.call({
      operation: operations.requestOtp,
      body: { phone, audience: "staff", device_id: this.#options.deviceId },
      schema: otpChallenge,
    });
    if (this.#currentStep() !== "sending") return;
    if (reply.kind !== "ok") return this.#end(sentenceFor(reply));
    this.#step({
      step: "code-sent",
      phone,
      challengeId: reply.value.challenge_id,
      resendAtMono: this.#options.clock.monoMs() + reply.value.resend_after * 1000,
      message: null,
    });
  }

  /** Exchanges the code for a credential and takes over the duty. */
  async verify(code: string): Promise<void> {
    const waiting = this.#signIn;
    if (waiting?.step !== "code-sent") return;
    if (!/^\d{6}$/.test(code.trim())) return this.#step({ ...waiting, message: dutySentences.codeFormat });
    this.#step({ step: "verifying", phone: waiting.phone });
    const reply = await this.#options.api.call({
      operation: operations.verifyOtp,
      body: { challenge_id: waiting.challengeId, code: code.trim() },
      schema: tokenReply,
    });
    if (this.#currentStep() !== "verifying") return;
    if (reply.kind === "refused" && reply.name === "wrong_code") {
      return this.#step({ ...waiting, message: dutySentences.wrongCode });
    }
    if (reply.kind === "unreachable" || reply.kind === "foreign" || reply.kind === "busy") {
      return this.#step({ ...waiting, message: sentenceFor(reply) });
    }
    if (reply.kind !== "ok") return this.#end(sentenceFor(reply));
    await this.#takeOver(reply.value, waiting.phone);
  }

  cancel(): void {
    this.#end(null);
  }

  /** Forgets the credential here first, then tells the centre until it confirms. */
  async signOut(): Promise<void> {
    if (this.#credential === null) return;
    this.#revocations = [...this.#revocations, this.#credential.tokens.refreshToken];
    this.#save(null);
    this.#options.onChange();
    await this.#revokePending();
  }

  accessToken(): string | null {
    return this.#credential === null || this.#credential.expired ? null : this.#credential.tokens.accessToken;
  }

  /** One refresh at a time, whoever asks. */
  renew(refusedToken: string): Promise<"renewed" | "ended" | "try-later"> {
    if (this.#credential !== null && this.#credential.tokens.accessToken !== refusedToken) {
      return Promise.resolve("renewed");
    }
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** Reads the places again: keeps name and policy fresh and tells whether the centre is there. */
  async probe(): Promise<boolean> {
    await this.#revokePending();
    const token = this.accessToken();
    const reply = await this.#listCheckpoints(token ?? "none");
    // Without a credential the refusal is all we want: it is our server's word.
    if (token === null) return reply.kind === "ok" || reply.kind === "refused";
    if (reply.kind === "refused" && reply.status === 401) return (await this.renew(token)) !== "try-later";
    if (reply.kind === "ok") {
      const bound = this.#options.boundCheckpoint();
      const mine = reply.value.items.find((item) => item.id === bound);
      if (mine) this.#options.onCheckpoint(mine);
    }
    return reply.kind === "ok" || reply.kind === "refused";
  }

  async #takeOver(granted: TokenReply, phone: string): Promise<void> {
    const places = await this.#listCheckpoints(granted.access_token);
    const giveBack = (message: Sentence | null): Promise<void> => {
      this.#revocations = [...this.#revocations, granted.refresh_token];
      if (message !== null) this.#end(message);
      return this.#revokePending();
    };
    if (this.#currentStep() !== "verifying") return giveBack(null);
    if (places.kind !== "ok") return giveBack(sentenceFor(places));
    const bound = this.#options.boundCheckpoint();
    const served = bound === null ? places.value.items : places.value.items.filter((item) => item.id === bound);
    const [place] = served;
    if (place === undefined) return giveBack(dutySentences.notThisPlace);
    if (served.length > 1) return giveBack(dutySentences.severalPlaces);
    this.#options.onCheckpoint(place);
    if (this.#credential !== null) {
      this.#revocations = [...this.#revocations, this.#credential.tokens.refreshToken];
    }
    this.#save({
      staffRef: granted.person.ref,
      name: granted.person.name,
      phoneMasked: maskPhone(phone),
      tokens: { accessToken: granted.access_token, refreshToken: granted.refresh_token },
      previousRefreshToken: null,
      expired: false,
    });
    this.#options.log("duty.signed-in", { staffRef: granted.person.ref });
    this.#end(null);
    this.#options.onSignedIn();
    await this.#revokePending();
  }

  async #renew(): Promise<"renewed" | "ended" | "try-later"> {
    const current = this.#credential;
    if (current === null || current.expired) return "ended";
    let reply = await this.#refresh(current.tokens.refreshToken);
    if (reply.kind === "refused" && current.previousRefreshToken !== null) {
      reply = await this.#refresh(current.previousRefreshToken);
    }
    if (this.#credential !== current) return this.#credential === null ? "ended" : "renewed";
    if (reply.kind === "ok") {
      // Durable before first use; the old one is kept until the new one has worked.
      this.#save({
        ...current,
        tokens: { accessToken: reply.value.access_token, refreshToken: reply.value.refresh_token },
        previousRefreshToken: current.tokens.refreshToken,
      });
      this.#options.onChange();
      return "renewed";
    }
    // Only these say that the credential has ended; anything else is a fault of version, way or server.
    if (reply.kind !== "refused" || ![400, 401, 403].includes(reply.status)) return "try-later";
    this.#options.log("duty.ended", { status: reply.status, name: reply.name });
    this.#save({ ...current, expired: true });
    this.#options.onChange();
    return "ended";
  }

  #refresh(refreshToken: string): Promise<Reply<TokenReply>> {
    return this.#options.api.call({
      operation: operations.issueToken,
      body: { grant_type: "refresh_token", refresh_token: refreshToken },
      schema: tokenReply,
    });
  }

  #listCheckpoints(accessToken: string): Promise<Reply<z.infer<typeof checkpointsPage>>> {
    return this.#options.api.call({ operation: operations.listMyCheckpoints, accessToken, schema: checkpointsPage });
  }

  async #revokePending(): Promise<void> {
    for (const refreshToken of this.#revocations) {
      const reply = await this.#options.api.call({
        operation: operations.revokeToken,
        body: { refresh_token: refreshToken },
        schema: null,
      });
      if (reply.kind !== "ok" && reply.kind !== "refused") return;
      this.#revocations = this.#revocations.filter((other) => other !== refreshToken);
      this.#save(this.#credential);
    }
  }

  #save(credential: Credential | null): void {
    this.#credential = credential;
    this.#options.store.write({ credential, revocations: [...this.#revocations] });
  }

  /** Read anew after each await: the clerk may have cancelled meanwhile. */
  #currentStep(): SignIn["step"] | null {
    return this.#signIn?.step ?? null;
  }

  #step(signIn: SignIn): void {
    this.#signIn = signIn;
    this.#message = null;
    this.#options.onChange();
  }

  #end(message: Sentence | null): void {
    this.#signIn = null;
    this.#message = message;
    this.#options.onChange();
  }
}

function sentenceFor(reply: Exclude<Reply<unknown>, { kind: "ok" }>): Sentence {
  if (reply.kind === "unreachable" || reply.kind === "foreign") return dutySentences.offline;
  if (reply.name === "rate_limited" || reply.name === "locked") return dutySentences.wait;
  if (reply.kind === "busy") return dutySentences.offline;
  if (reply.name === "phone_not_authorised") return dutySentences.notAllowed;
  if (reply.name === "challenge_expired") return dutySentences.codeExpired;
  return dutySentences.failed;
}
