import type { z } from "zod";
import { operations } from "../../contract/operations.ts";
import { maskPhone, normalisePhone, otpChallenge, type TokenReply, tokenReply } from "../../contract/people.ts";
import { type Checkpoint, checkpointsPage } from "../../contract/places.ts";
import type { Clock } from "../clock.ts";
import type { DutyView, KnownStaff, Sentence, StaffView } from "../kiosk-port/view.ts";
import type { CentralApi, Reply } from "../sync/central-api.ts";
import type { UploadCredential } from "../sync/outbox.ts";
import type { CredentialStore, Member, StoredDuty } from "./credential-store.ts";
import { amended, forgiven, offDuty, onDuty, without } from "./members.ts";
import { hashPin, pinFault, pinFits } from "./pin.ts";
import { counted, freeTriesLeft, inThisBoot, isLocked, mostTriesOfAll, noTries, waitMs } from "./pin-tries.ts";
import { dutySentences, removedByOwner, wrongPin } from "./sentences.ts";

export interface DutyOptions {
  readonly api: CentralApi;
  readonly store: CredentialStore;
  readonly clock: Clock;
  readonly deviceId: string;
  /** The place this machine is bound to, or null before the first sign-in. */
  readonly boundCheckpoint: () => string | null;
  /** The centre's word about the place this machine serves: keep it for the offline days. */
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
  /** Somebody came on duty or left it, or a sign-in moved on. */
  readonly onChange: () => void;
  /** A usable credential is there: sending may start. */
  readonly onSignedIn: () => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

type Renewal = "renewed" | "ended" | "try-later";

type SignIn =
  | { readonly step: "sending"; readonly phone: string }
  | {
      readonly step: "code-sent";
      readonly phone: string;
      readonly challengeId: string;
      readonly resendAtMono: number;
      readonly message: Sentence | null;
    }
  | { readonly step: "verifying"; readonly phone: string }
  | { readonly step: "pin"; readonly staffRef: string; readonly checking: boolean; readonly message: Sentence | null };

/** Whoever has just proved a one-time code may choose a PIN; nobody else, or a stranger could for who left the desk. */
interface PinOffer {
  readonly staffRef: string;
  readonly phone: string;
  readonly untilMono: number;
  readonly hashing: boolean;
  readonly message: Sentence | null;
}

const pinOfferMs = 5 * 60_000;
/** The rights of whoever is on duty are asked for this often, of one of the others at every tenth time. */
const watchEveryMs = 60_000;

/**
 * Who stands behind the entries right now. Never on the scan path: every answer about the present comes from memory,
 * every call to the centre happens beside it. Several members are known here; one is on duty at a time, and a change is on
 * the disk before it holds.
 */
export class Duty implements UploadCredential {
  readonly #options: DutyOptions;
  #stored: StoredDuty;
  #signIn: SignIn | null = null;
  #message: Sentence | null = null;
  #offer: PinOffer | null = null;
  readonly #renewing = new Map<string, Promise<Renewal>>();
  #watchedMono = Number.NEGATIVE_INFINITY;
  #watches = 0;
  #proved: { readonly staffRef: string; readonly mono: number } | null = null;

  constructor(options: DutyOptions) {
    this.#options = options;
    const { content, damaged } = options.store.read();
    const members = content.members.map((member) => ({ ...member, tries: inThisBoot(member.tries, options.clock) }));
    this.#stored = { ...content, members, notice: damaged ? dutySentences.fileDamaged : content.notice };
    if (damaged) options.log("duty.damaged", { warning: "The sign-in file cannot be read; staff sign in anew." });
  }

  /** State and staff reference for the entry being recorded this instant. */
  get present(): { state: "signed-in" | "expired" | "none"; staffRef: string | null } {
    const member = this.member;
    if (member === null) return { state: "none", staffRef: null };
    return { state: member.expired ? "expired" : "signed-in", staffRef: member.staffRef };
  }

  /** Who is on duty. */
  get member(): Member | null {
    const { onDuty } = this.#stored;
    return onDuty === null ? null : this.#find(onDuty.staffRef);
  }

  /** Since the member on duty proved a code or its PIN, by running time; infinite after a restart of the program. */
  get proofAgeMs(): number {
    return this.#proved?.staffRef === this.member?.staffRef && this.#proved !== null
      ? this.#options.clock.monoMs() - this.#proved.mono
      : Number.POSITIVE_INFINITY;
  }

  /** Nobody has ever proved a code on this machine, or everybody was forgotten. */
  get knowsNobody(): boolean {
    return this.#stored.members.length === 0;
  }

  get view(): DutyView {
    const signIn = this.#signIn;
    if (signIn?.step === "pin") return this.#pinView(signIn);
    if (signIn !== null) {
      const phoneMasked = maskPhone(signIn.phone);
      if (signIn.step !== "code-sent") return { state: signIn.step, phoneMasked };
      const resendAfterS = Math.max(0, Math.ceil((signIn.resendAtMono - this.#options.clock.monoMs()) / 1000));
      return { state: "code-sent", phoneMasked, resendAfterS, message: signIn.message };
    }
    const member = this.member;
    // Why the last try failed is what the clerk must read, also beside somebody who is on duty.
    if (member === null || this.#message !== null) return { state: "none", message: this.#message };
    const offer = this.#currentOffer();
    const { name, phoneMasked, expired } = member;
    return {
      state: "signed-in",
      name,
      phoneMasked,
      expired,
      pinChoice: offer === null ? null : { message: offer.message },
    };
  }

  /** Everybody who is known here, for the screen. */
  get staff(): Pick<StaffView, "onDuty" | "known" | "notice"> {
    const { members, onDuty, notice } = this.#stored;
    const member = this.member;
    return {
      onDuty:
        member === null || onDuty === null
          ? null
          : {
              id: member.staffRef,
              name: member.name,
              phoneMasked: member.phoneMasked,
              role: member.role,
              sinceMs: onDuty.sinceMs,
              expired: member.expired,
            },
      known: members.map(knownStaff),
      notice,
    };
  }

  /** Asks the centre to send a code to this phone. */
  async requestCode(phoneText: string): Promise<void> {
    const phone = normalisePhone(phoneText);
    if (phone === null) return this.#end(dutySentences.phoneFormat);
    if (this.#signIn?.step === "sending" || this.#signIn?.step === "verifying") return;
    this.#offer = null;
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
    await this.#admit(reply.value, waiting.phone);
  }

  /** A known member wants to come on duty: its PIN is asked for. */
  choose(staffRef: string): void {
    this.#offer = null;
    const member = this.#find(staffRef);
    if (member === null) return this.#end(dutySentences.notKnownHere);
    if (isLocked(member.tries)) return this.#end(dutySentences.pinLocked);
    if (member.pin === null) return this.#end(dutySentences.pinNone);
    if (this.#stored.triesOfAll >= mostTriesOfAll) return this.#end(dutySentences.pinsClosed);
    this.#step({ step: "pin", staffRef, checking: false, message: null });
  }

  /** Takes over the duty with a PIN, with or without a network. Every try is written down before the PIN is looked at. */
  async tryPin(pin: string): Promise<void> {
    const { clock, log } = this.#options;
    const asked = this.#signIn;
    if (asked?.step !== "pin" || asked.checking) return;
    if (!/^\d{4,8}$/.test(pin)) return this.#step({ ...asked, message: dutySentences.pinFormat });
    // What has changed since the name was chosen is said in the same words.
    this.choose(asked.staffRef);
    const member = this.#find(asked.staffRef);
    if (this.#signIn?.step !== "pin" || member === null || member.pin === null) return;
    if (waitMs(member.tries, clock) > 0) return this.#step({ ...asked, message: dutySentences.pinWait });
    const tries = counted(member.tries, clock);
    const triesOfAll = this.#stored.triesOfAll + 1;
    if (!this.#saved({ ...amended(this.#stored, { ...member, tries }), triesOfAll })) {
      return this.#end(dutySentences.notSaved);
    }
    const checking: SignIn = { ...asked, checking: true, message: null };
    this.#step(checking);
    const fits = await pinFits(pin, member.pin).catch(() => false);
    const isCurrent = this.#signIn === checking;
    const now = this.#find(member.staffRef);
    // Forgotten meanwhile, or it proved a code: then this PIN decides nothing any more.
    if (now === null || now.pin !== member.pin) return isCurrent ? this.#end(dutySentences.notKnownHere) : undefined;
    if (fits) {
      if (isCurrent) this.#comeOnDuty(now, "pin");
      else this.#saved(forgiven(this.#stored, now));
      return;
    }
    log("duty.pin-wrong", { staffRef: member.staffRef, wrong: tries.wrong });
    if (!isCurrent) return;
    if (isLocked(tries)) return this.#end(dutySentences.pinLocked);
    const message = tries.wait === null ? wrongPin(freeTriesLeft(tries)) : dutySentences.pinWait;
    this.#step({ ...checking, checking: false, message });
  }

  /** The member that has just proved a code chooses its PIN on this machine, typed twice. */
  async choosePin(pin: string, again: string): Promise<void> {
    const offer = this.#currentOffer();
    if (offer === null || offer.hashing) return;
    const message = pin === again ? pinFault(pin, offer.phone) : dutySentences.pinsDiffer;
    if (message !== null) return this.#offering({ ...offer, message });
    const hashing: PinOffer = { ...offer, hashing: true, message: null };
    this.#offering(hashing);
    const record = await hashPin(pin);
    const member = this.#find(offer.staffRef);
    if (this.#offer !== hashing || member === null) return;
    if (!this.#saved(amended(this.#stored, { ...member, pin: record, tries: noTries }))) {
      return this.#offering({ ...offer, message: dutySentences.notSaved });
    }
    this.#options.log("duty.pin-chosen", { staffRef: member.staffRef });
    this.#offering(null);
  }

  cancel(): void {
    this.#offer = null;
    this.#end(null);
  }

  /** Nobody is on duty any more; the member stays known. */
  goOffDuty(): void {
    const { member } = this;
    if (member === null) return;
    if (!this.#saved(offDuty(this.#stored))) return this.#end(dutySentences.notSaved);
    this.#options.log("duty.off", { staffRef: member.staffRef });
    this.#offer = null;
    this.#options.onChange();
  }

  /** Forgets a member, or whoever is on duty, here first; then tells the centre until it confirms. */
  async signOut(staffRef = this.member?.staffRef): Promise<void> {
    if (staffRef !== undefined) await this.#forget(staffRef, null);
  }

  accessToken(): string | null {
    const { member } = this;
    return member === null || member.expired ? null : member.tokens.accessToken;
  }

  /** One refresh of a member at a time, whoever asks. */
  renew(refusedToken: string): Promise<Renewal> {
    const holder = this.#stored.members.find(({ tokens }) => tokens.accessToken === refusedToken);
    // It was renewed already, or another member is on duty by now.
    if (holder === undefined) return Promise.resolve(this.accessToken() === null ? "ended" : "renewed");
    return this.#renewOnce(holder.staffRef);
  }

  /** Reads the places again: keeps name, policy and rights fresh and tells whether the centre is there. */
  async probe(): Promise<boolean> {
    await this.#revokePending();
    const { member } = this;
    if (member !== null && !member.expired) return this.#check(member.staffRef);
    // Without a credential the refusal is all we want: it is our server's word.
    const reply = await this.#listCheckpoints("none");
    return reply.kind === "ok" || reply.kind === "refused";
  }

  /** To be called again and again: a right that the owner took away is noticed also where nothing else asks. */
  async watch(): Promise<void> {
    const now = this.#options.clock.monoMs();
    if (now - this.#watchedMono < watchEveryMs) return;
    this.#watchedMono = now;
    const { member } = this;
    if (member !== null && !member.expired) await this.#check(member.staffRef);
    if (++this.#watches % 10 !== 0) return;
    const others = this.#stored.members.filter((other) => other !== member && !other.expired);
    const next = others[Math.floor(this.#watches / 10) % Math.max(1, others.length)];
    if (next !== undefined) await this.#check(next.staffRef);
  }

  async #admit(granted: TokenReply, phone: string): Promise<void> {
    const places = await this.#listCheckpoints(granted.access_token);
    const giveBack = (message: Sentence | null): Promise<void> => {
      this.#stored = { ...this.#stored, revocations: [...this.#stored.revocations, granted.refresh_token] };
      if (message !== null) this.#end(message);
      return this.#revokePending();
    };
    if (this.#currentStep() !== "verifying") return giveBack(null);
    if (places.kind !== "ok") return giveBack(sentenceFor(places));
    const bound = this.#options.boundCheckpoint();
    const served = places.value.items.filter((item) => (bound === null ? item.state === "active" : item.id === bound));
    const [place] = served;
    if (place === undefined) return giveBack(dutySentences.notThisPlace);
    if (served.length > 1) return giveBack(dutySentences.severalPlaces);
    const staffRef = granted.person.ref;
    // There from the first moment on duty: a screen that saw none would close.
    this.#offer = {
      staffRef,
      phone,
      untilMono: this.#options.clock.monoMs() + pinOfferMs,
      hashing: false,
      message: null,
    };
    const admitted = this.#comeOnDuty(
      {
        staffRef,
        name: granted.person.name,
        phoneMasked: maskPhone(phone),
        role: place.role,
        fullView: place.full_view,
        tokens: { accessToken: granted.access_token, refreshToken: granted.refresh_token },
        previousRefreshToken: null,
        expired: false,
        pin: this.#find(staffRef)?.pin ?? null,
        tries: noTries,
      },
      "code",
    );
    if (!admitted) return giveBack(null);
    this.#options.onCheckpoint(place);
    await this.#revokePending();
  }

  /** Whether it did; the one before goes off duty and stays known. */
  #comeOnDuty(member: Member, proof: "code" | "pin"): boolean {
    const { clock, log } = this.#options;
    // A code proves that staff is there, a PIN that the tries before it were this member's own.
    const before = proof === "code" ? { ...this.#stored, triesOfAll: 0 } : forgiven(this.#stored, member);
    const { state, forgotten } = onDuty(before, { ...member, tries: noTries }, clock.wallMs());
    if (!this.#saved(state)) {
      this.#end(dutySentences.notSaved);
      return false;
    }
    this.#proved = { staffRef: member.staffRef, mono: clock.monoMs() };
    log("duty.on", { staffRef: member.staffRef, proof });
    for (const { staffRef } of forgotten) log("duty.forgotten", { staffRef, why: "too many are known here" });
    this.#end(null);
    this.#options.onSignedIn();
    // What changed while this member was away, a right that was taken away above all, is learned at once.
    if (proof === "pin" && !member.expired) void this.#check(member.staffRef).catch(() => {});
    return true;
  }

  async #forget(staffRef: string, notice: Sentence | null): Promise<void> {
    const state = without(this.#stored, staffRef);
    if (state === null) return;
    if (this.#offer?.staffRef === staffRef) this.#offer = null;
    if (this.#signIn?.step === "pin" && this.#signIn.staffRef === staffRef) this.#signIn = null;
    const wasOnDuty = this.#stored.onDuty !== null && state.onDuty === null;
    // It holds also where the disk takes nothing: a right that is gone must not go on until somebody makes room.
    this.#stored = { ...state, notice: notice ?? state.notice };
    this.#saved(this.#stored);
    this.#options.log("duty.forgotten", { staffRef, wasOnDuty, why: notice === null ? "signed out" : "no right here" });
    this.#options.onChange();
    await this.#revokePending();
  }

  /** What the centre says of one member's places. Returns whether our server answered. */
  async #check(staffRef: string): Promise<boolean> {
    const member = this.#find(staffRef);
    if (member === null) return false;
    let reply = await this.#listCheckpoints(member.tokens.accessToken);
    if (reply.kind === "refused" && reply.status === 401) {
      const renewal = await this.#renewOnce(staffRef);
      const renewed = this.#find(staffRef);
      if (renewal !== "renewed" || renewed === null) return renewal !== "try-later";
      reply = await this.#listCheckpoints(renewed.tokens.accessToken);
    }
    const bound = this.#options.boundCheckpoint();
    const now = this.#find(staffRef);
    if (reply.kind === "ok" && bound !== null && now !== null) {
      const mine = reply.value.items.find((item) => item.id === bound);
      if (mine === undefined) {
        await this.#forget(staffRef, removedByOwner(now.name ?? now.phoneMasked));
      } else {
        const { role, full_view: fullView } = mine;
        if (role !== now.role || fullView !== now.fullView) {
          this.#saved(amended(this.#stored, { ...now, role, fullView }));
        }
        this.#options.onCheckpoint(mine);
      }
    }
    return reply.kind === "ok" || reply.kind === "refused";
  }

  #renewOnce(staffRef: string): Promise<Renewal> {
    const running = this.#renewing.get(staffRef);
    if (running !== undefined) return running;
    const renewal = this.#renew(staffRef).finally(() => this.#renewing.delete(staffRef));
    this.#renewing.set(staffRef, renewal);
    return renewal;
  }

  async #renew(staffRef: string): Promise<Renewal> {
    const before = this.#find(staffRef);
    if (before === null || before.expired) return "ended";
    let reply = await this.#refresh(before.tokens.refreshToken);
    if (reply.kind === "refused" && before.previousRefreshToken !== null) {
      reply = await this.#refresh(before.previousRefreshToken);
    }
    const current = this.#find(staffRef);
    if (current === null) return "ended";
    // It proved a code meanwhile.
    if (current.tokens.refreshToken !== before.tokens.refreshToken) return "renewed";
    if (reply.kind === "ok") {
      // Durable before first use; the old one is kept until the new one has worked.
      this.#save(
        amended(this.#stored, {
          ...current,
          tokens: { accessToken: reply.value.access_token, refreshToken: reply.value.refresh_token },
          previousRefreshToken: before.tokens.refreshToken,
        }),
      );
      this.#options.onChange();
      return "renewed";
    }
    // Only these say that the credential has ended; anything else is a fault of version, way or server.
    if (reply.kind !== "refused" || ![400, 401, 403].includes(reply.status)) return "try-later";
    // A refused proof says nothing about the credential: the centre does not know its own address, for example.
    if (reply.name === "invalid_dpop_proof" || reply.name === "use_dpop_nonce") return "try-later";
    this.#options.log("duty.ended", { staffRef, status: reply.status, name: reply.name });
    this.#save(amended(this.#stored, { ...current, expired: true }));
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
    for (const refreshToken of this.#stored.revocations) {
      const reply = await this.#options.api.call({
        operation: operations.revokeToken,
        body: { refresh_token: refreshToken },
        schema: null,
      });
      if (reply.kind !== "ok" && reply.kind !== "refused") return;
      const revocations = this.#stored.revocations.filter((other) => other !== refreshToken);
      this.#save({ ...this.#stored, revocations });
    }
  }

  #pinView({ staffRef, checking, message }: Extract<SignIn, { step: "pin" }>): DutyView {
    const member = this.#find(staffRef);
    return {
      state: "pin",
      staffId: staffRef,
      name: member?.name ?? null,
      phoneMasked: member?.phoneMasked ?? "",
      checking,
      waitS: checking || member === null ? 0 : Math.ceil(waitMs(member.tries, this.#options.clock) / 1000),
      message,
    };
  }

  #find(staffRef: string): Member | null {
    return this.#stored.members.find((member) => member.staffRef === staffRef) ?? null;
  }

  #currentOffer(): PinOffer | null {
    const offer = this.#offer;
    const isOpen = offer !== null && offer.untilMono > this.#options.clock.monoMs();
    return isOpen && this.member?.staffRef === offer.staffRef ? offer : null;
  }

  /** @throws Error when the disk does not take it; nothing has changed then */
  #save(state: StoredDuty): void {
    this.#options.store.write(state);
    this.#stored = state;
  }

  /** Whether it was saved; else nothing has changed and the log says why. */
  #saved(state: StoredDuty): boolean {
    try {
      this.#save(state);
      return true;
    } catch (error) {
      this.#options.log("duty.not-saved", { error: error instanceof Error ? error.message : String(error) });
      return false;
    }
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

  #offering(offer: PinOffer | null): void {
    this.#offer = offer;
    this.#options.onChange();
  }

  #end(message: Sentence | null): void {
    this.#signIn = null;
    this.#message = message;
    this.#options.onChange();
  }
}

function knownStaff({ staffRef, name, phoneMasked, role, pin, tries }: Member): KnownStaff {
  return { id: staffRef, name, phoneMasked, role, pin: isLocked(tries) ? "locked" : pin === null ? "none" : "set" };
}

function sentenceFor(reply: Exclude<Reply<unknown>, { kind: "ok" }>): Sentence {
  if (reply.kind === "unreachable" || reply.kind === "foreign") return dutySentences.offline;
  if (reply.name === "rate_limited" || reply.name === "locked") return dutySentences.wait;
  if (reply.kind === "busy") return dutySentences.offline;
  if (reply.name === "phone_not_authorised") return dutySentences.notAllowed;
  if (reply.name === "challenge_expired") return dutySentences.codeExpired;
  return dutySentences.failed;
}
