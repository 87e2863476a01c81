import { type GuardedRelays, openGuardedRelays } from "../drivers/gate/guarded-relays.ts";
import type { RelayFaultCode } from "../drivers/gate/relay-fault.ts";
import type { RelaySpec } from "../drivers/gate/relay-spec.ts";
import type { Direction, RelayView, Sentence } from "./kiosk-port/view.ts";

export interface RelaysOptions {
  readonly specs: readonly RelaySpec[];
  readonly onChange: () => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
}

/** What the clerk reads about a gate that does not open by itself; the technician's sentence is in the log. */
const faultSentences: Readonly<Record<RelayFaultCode, Sentence>> = {
  "relay.not-found": {
    vi: "Không thấy bộ mở cổng; xin cắm lại dây, tạm mở cổng bằng tay",
    en: "Gate relay not found; plug its cable in, open the gate by hand for now",
  },
  "relay.unplugged": {
    vi: "Bộ mở cổng bị rút dây; xin cắm lại, tạm mở cổng bằng tay",
    en: "Gate relay unplugged; plug it in again, open the gate by hand for now",
  },
  "relay.busy": {
    vi: "Chương trình khác đang giữ bộ mở cổng; xin đóng chương trình đó",
    en: "Another program holds the gate relay; close it",
  },
  "relay.permission": {
    vi: "Máy chưa được phép dùng bộ mở cổng; báo kỹ thuật",
    en: "No permission for the gate relay; call the technician",
  },
  "relay.bad-spec": {
    vi: "Cấu hình bộ mở cổng sai; báo kỹ thuật",
    en: "Bad gate relay configuration; call the technician",
  },
  "relay.no-answer": {
    vi: "Bộ mở cổng không trả lời; tạm mở cổng bằng tay, báo kỹ thuật",
    en: "The gate relay does not answer; open the gate by hand and call the technician",
  },
  "relay.failed": {
    vi: "Bộ mở cổng bị lỗi; tạm mở cổng bằng tay, báo kỹ thuật",
    en: "Gate relay failed; open the gate by hand and call the technician",
  },
};

/** All relays of this machine. A relay in trouble stops no scan; a machine without relays runs no guard for them. */
export class Relays implements AsyncDisposable {
  readonly #specs: readonly RelaySpec[];
  readonly #views = new Map<string, RelayView>();
  readonly #guarded: GuardedRelays | null;

  constructor({ specs, onChange, log }: RelaysOptions) {
    this.#specs = specs;
    const show = (spec: RelaySpec, state: RelayView["state"], message: Sentence | null): void => {
      const { id, name, direction } = spec;
      this.#views.set(id, { id, name, direction, state, message });
    };
    const byId = new Map(specs.map((spec) => [spec.id, spec]));
    for (const spec of specs) show(spec, "connecting", null);
    this.#guarded =
      specs.length === 0
        ? null
        : openGuardedRelays(specs, {
            onState: ({ relayId, state, code, message }) => {
              const spec = byId.get(relayId);
              if (spec !== undefined) show(spec, state, state === "fault" ? faultSentences[code] : null);
              log("relay.state", { relayId, state, code, why: message });
              onChange();
            },
            onReport: (report) => log("relay.pulse", { ...report }),
          });
  }

  get views(): readonly RelayView[] {
    return [...this.#views.values()];
  }

  /** Opens the gates that let people pass in this direction and belong to this reader. Returns at once, never throws. */
  open(direction: Direction, readerName: string | null): void {
    for (const spec of this.#specs) {
      if (spec.direction !== "both" && spec.direction !== direction) continue;
      if (spec.readerName !== null && spec.readerName !== readerName) continue;
      this.#guarded?.pulse(spec.id);
    }
  }

  /** Resolves when every relay is off. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guarded?.[Symbol.asyncDispose]();
  }
}
