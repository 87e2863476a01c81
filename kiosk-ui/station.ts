import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { KioskIntent } from "../agent/kiosk-port/intent.ts";
import type { KioskView } from "../agent/kiosk-port/view.ts";
import type { Carrier, OpenCarrier } from "./carriers/carrier.ts";
import { type Language, rememberedLanguage, rememberLanguage, textsOf } from "./i18n/language.ts";
import type { Texts } from "./i18n/vi.ts";

/**
 * `first` until the first view ever arrives, `lost` from the moment a connection breaks until the next view,
 * `no-token` when this page cannot connect at all.
 */
export type Link = "first" | "up" | "lost" | "no-token";

/** A view with the page's own time of its arrival: counters inside it (ages, countdowns) run on from there. */
export interface ReceivedView {
  readonly view: KioskView;
  readonly receivedAtMs: number;
}

/** Everything the page knows. There is no other state but what a person is typing at this moment. */
export interface Station {
  /** The newest view of the open connection; null as soon as the connection is lost, so that nothing old can be drawn. */
  readonly received: ReadonlySignal<ReceivedView | null>;
  readonly link: ReadonlySignal<Link>;
  readonly language: ReadonlySignal<Language>;
  readonly texts: ReadonlySignal<Texts>;
  /** Wall clock, ms since the epoch, moved on about once a second. */
  readonly nowMs: Signal<number>;
  readonly send: (intent: KioskIntent) => void;
  readonly chooseLanguage: (language: Language) => void;
}

// An outcome that stays this long comes from an agent that stopped: the page must not go on showing its green.
const longestOutcomeMs = 20_000;
const startingGraceMs = 6_000;

/** Makes the station and opens its carrier (null: the page has no token and says so). Runs until the page is closed. */
export function createStation(openCarrier: OpenCarrier | null): Station {
  const received = signal<ReceivedView | null>(null);
  const link = signal<Link>(openCarrier ? "first" : "no-token");
  const language = signal<Language>(rememberedLanguage());
  const nowMs = signal(Date.now());
  let newestRevision = -1;
  let outcomeTimer: ReturnType<typeof setTimeout> | undefined;
  let carrier: Carrier | null = null;

  const lose = () => {
    clearTimeout(outcomeTimer);
    received.value = null;
    // Right after power-on the agent needs some seconds: that is "starting", not a fault.
    if (link.value === "up") link.value = "lost";
  };

  carrier =
    openCarrier?.({
      // A restarted agent counts its revisions from the beginning again.
      onOpen: () => {
        newestRevision = -1;
      },
      onClose: lose,
      onMessage: (message) => {
        if (message.type !== "view" || message.view.revision < newestRevision) return;
        const { view } = message;
        newestRevision = view.revision;
        const changed = scanIdOf(view) !== scanIdOf(received.value?.view);
        received.value = { view, receivedAtMs: Date.now() };
        link.value = "up";
        if (changed) clearTimeout(outcomeTimer);
        if (changed && isPassing(view)) outcomeTimer = setTimeout(() => carrier?.reconnect(), longestOutcomeMs);
      },
    }) ?? null;

  setTimeout(() => {
    if (link.value === "first") link.value = "lost";
  }, startingGraceMs);
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);

  return {
    received,
    link,
    language,
    texts: computed(() => textsOf(language.value)),
    nowMs,
    send: (intent) => {
      carrier?.send(intent);
    },
    chooseLanguage: (chosen) => {
      language.value = chosen;
      rememberLanguage(chosen);
    },
  };
}

const scanIdOf = (view: KioskView | undefined): string | null =>
  view && "scanId" in view.screen ? view.screen.scanId : null;

// A question waits for a person and may stay; the answers to a scan may not.
const isPassing = ({ screen }: KioskView): boolean =>
  screen.state === "accepted" || screen.state === "repeat" || screen.state === "refused";

export const StationContext = createContext<Station | null>(null);

/** The station of this page; only inside the tree that `main.tsx` draws. */
export function useStation(): Station {
  const station = useContext(StationContext);
  if (!station) throw new Error("useStation outside of StationContext");
  return station;
}
