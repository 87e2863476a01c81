import { operations } from "../../contract/operations.ts";
import { type DeviceTokenReply, deviceTokenReply } from "../../contract/sign-in.ts";
import type { CentralApi, Reply } from "../sync/central-api.ts";
import type { UploadCredential } from "../sync/outbox.ts";

export interface DeviceCredentialOptions {
  readonly api: CentralApi;
  readonly deviceId: string;
  /** The machine was enrolled, as far as it knows; a removed one still may upload. */
  readonly isEnrolled: () => boolean;
  /** The owner has removed the machine. */
  readonly onRevoked: () => void;
  /** A token is there. */
  readonly onReady: () => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

/**
 * The machine's own credential: its enrolled key gives an access token whenever one is needed. Nothing of it is kept, the
 * key is all there is to keep.
 */
export class DeviceCredential {
  readonly #options: DeviceCredentialOptions;
  #token: string | null = null;
  #asking: Promise<"renewed" | "ended" | "try-later"> | null = null;
  #fault: string | null = null;

  constructor(options: DeviceCredentialOptions) {
    this.#options = options;
  }

  /** Null while there is none; one is asked for then, see `onReady`. */
  accessToken(): string | null {
    if (!this.#options.isEnrolled()) return null;
    if (this.#token === null) void this.#ask();
    return this.#token;
  }

  holds(token: string): boolean {
    return this.#token === token;
  }

  /** A new token in the place of a refused one; one call at a time, whoever asks. */
  renew(refusedToken: string): Promise<"renewed" | "ended" | "try-later"> {
    if (this.#token !== null && this.#token !== refusedToken) return Promise.resolve("renewed");
    return this.#ask();
  }

  /** The machine was enrolled anew: what it was given before is another's. */
  forget(): void {
    this.#token = null;
  }

  #ask(): Promise<"renewed" | "ended" | "try-later"> {
    if (!this.#options.isEnrolled()) return Promise.resolve("ended");
    this.#asking ??= this.#issue().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #issue(): Promise<"renewed" | "ended" | "try-later"> {
    const { api, deviceId, onRevoked, onReady } = this.#options;
    const reply: Reply<DeviceTokenReply> = await api.call({
      operation: operations.issueToken,
      body: { grant_type: "device", device_id: deviceId },
      schema: deviceTokenReply,
    });
    if (reply.kind === "ok") {
      this.#note(null);
      this.#token = reply.value.access_token;
      if (reply.value.revoked) onRevoked();
      onReady();
      return "renewed";
    }
    this.#token = null;
    this.#note("status" in reply ? `${reply.status} ${reply.name ?? "unknown"}` : `${reply.kind}: ${reply.detail}`);
    if (reply.kind !== "refused") return "try-later";
    // Its key was replaced, or the centre never knew it.
    if (reply.name === "device_not_enrolled") onRevoked();
    return reply.name === "device_not_enrolled" ? "ended" : "try-later";
  }

  #note(fault: string | null): void {
    if (fault === this.#fault) return;
    this.#fault = fault;
    if (fault !== null) this.#options.log("device.no-token", { fault });
  }
}

/** Staff's credential where there is one, else the machine's own: rows say themselves who was on duty. */
export class Credentials implements UploadCredential {
  readonly #staff: UploadCredential;
  readonly #device: DeviceCredential;

  constructor(staff: UploadCredential, device: DeviceCredential) {
    this.#staff = staff;
    this.#device = device;
  }

  accessToken(): string | null {
    return this.#staff.accessToken() ?? this.#device.accessToken();
  }

  async renew(refusedToken: string): Promise<"renewed" | "ended" | "try-later"> {
    if (this.#device.holds(refusedToken)) return this.#device.renew(refusedToken);
    const renewal = await this.#staff.renew(refusedToken);
    if (renewal !== "ended" || this.#staff.accessToken() !== null) return renewal;
    return this.#device.accessToken() !== null ? "renewed" : this.#device.renew("");
  }

  async probe(): Promise<boolean> {
    if (this.#staff.accessToken() === null) this.#device.accessToken();
    return this.#staff.probe();
  }
}
