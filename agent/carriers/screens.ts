import type { KioskIntent } from "../kiosk-port/intent.ts";
import type { KioskPort, PortMessage, ScanOutcome } from "../kiosk-port/port.ts";
import type { KioskView } from "../kiosk-port/view.ts";

/** Every connected screen, whatever carries it: each gets the newest view at once and every later one. */
export class Screens {
  /** Each port with whether somebody looks at it. */
  readonly #ports = new Map<KioskPort, boolean>();
  readonly #currentView: () => KioskView;
  readonly #onIntent: (intent: KioskIntent, fromPage: boolean) => void;

  constructor(currentView: () => KioskView, onIntent: (intent: KioskIntent, fromPage: boolean) => void) {
    this.#currentView = currentView;
    this.#onIntent = onIntent;
  }

  /** A screen is connected that draws (a `tram scan` caller is not one). */
  get attended(): boolean {
    return [...this.#ports.values()].includes(true);
  }

  add(port: KioskPort, draws: boolean): void {
    this.#ports.set(port, draws);
    port.onIntent((intent) => this.#onIntent(intent, draws));
    port.onClose(() => this.#ports.delete(port));
    port.post({ type: "view", view: this.#currentView() });
  }

  /** Tells every page that somebody is there. */
  beat(): void {
    for (const [port, draws] of this.#ports) if (draws) port.post({ type: "alive" });
  }

  draw(): void {
    this.#post({ type: "view", view: this.#currentView() });
  }

  tell(outcome: ScanOutcome): void {
    this.#post({ type: "outcome", outcome });
  }

  #post(message: PortMessage): void {
    for (const port of this.#ports.keys()) port.post(message);
  }
}
