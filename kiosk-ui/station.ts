import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { KioskIntent } from "../agent/kiosk-port/intent.ts";
import { pageAnswerWithinMs, silentAfterMs } from "../agent/kiosk-port/port.ts";
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
  /** Number of the scan of this page that nobody answered, as long as that is to be shown; null otherwise. */
  readonly missed: ReadonlySignal<number | null>;
  readonly language: ReadonlySignal<Language>;
  readonly texts: ReadonlySignal<Texts>;
  /** Wall clock, ms since the epoch, moved on about once a second. */
  readonly nowMs: Signal<number>;
  readonly send: (intent: KioskIntent) => void;
  readonly chooseLanguage: (language: Language) => void;
}

const tickMs = 500;
const startingGraceMs = 6_000;
/** How long a page's own "not recorded" stays, unless an answer to a later scan comes. */
const missedForMs = 6_000;

type Captured = Extract<KioskIntent, { kind: "captured" }>;

/** Makes the station and opens its carrier (null: the page has no token and says so). Runs until the page is closed. */
export function createStation(openCarrier: OpenCarrier | null): Station {
  const received = signal<ReceivedView | null>(null);
  const link = signal<Link>(openCarrier ? "first" : "no-token");
  const missed = signal<number | null>(null);
  const language = signal<Language>(rememberedLanguage());
  const nowMs = signal(Date.now());
  const unanswered = new Map<string, ReturnType<typeof setTimeout>>();
  let newestRevision = -1;
  let silentTicks = 0;
  let misses = 0;
  let missedTimer: ReturnType<typeof setTimeout> | undefined;
  let carrier: Carrier | null = null;

  const showMissed = (number: number | null) => {
    clearTimeout(missedTimer);
    missed.value = number;
    if (number !== null) missedTimer = setTimeout(() => showMissed(null), missedForMs);
  };

  const miss = () => showMissed(++misses);

  /** Every scan of this page is answered: by the agent, or here. In a reader's test nothing is recorded anyway. */
  const capture = (intent: Captured) => {
    const inTest = received.value?.view.readerTest?.readerId === `page:${intent.source}`;
    const correlationId = crypto.randomUUID();
    const isSent = carrier?.send({ ...intent, correlationId, capturedAtMs: Date.now() }) ?? false;
    if (inTest) return;
    if (!isSent) return miss();
    const late = () => {
      unanswered.delete(correlationId);
      miss();
    };
    unanswered.set(correlationId, setTimeout(late, pageAnswerWithinMs));
  };

  const answered = (correlationId: string | null) => {
    if (correlationId === null) return;
    clearTimeout(unanswered.get(correlationId));
    unanswered.delete(correlationId);
  };

  const lose = () => {
    received.value = null;
    // Right after power-on the agent needs some seconds: that is "starting", not a fault.
    if (link.value === "up") link.value = "lost";
    if (unanswered.size > 0) miss();
    for (const correlationId of Array.from(unanswered.keys())) answered(correlationId);
  };

  const show = (view: KioskView) => {
    if (view.revision < newestRevision) return;
    newestRevision = view.revision;
    const scanId = scanIdOf(view);
    if (scanId !== null && scanId !== scanIdOf(received.value?.view)) showMissed(null);
    received.value = { view, receivedAtMs: Date.now() };
    link.value = "up";
  };

  carrier =
    openCarrier?.({
      // A restarted agent counts its revisions from the beginning again.
      onOpen: () => {
        newestRevision = -1;
      },
      onClose: lose,
      onMessage: (message) => {
        silentTicks = 0;
        if (message.type === "view") show(message.view);
        else if (message.type === "outcome") answered(message.outcome.correlationId);
      },
    }) ?? null;

  setTimeout(() => {
    if (link.value === "first") link.value = "lost";
  }, startingGraceMs);
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);
  // Turns of the page's own event loop are counted: after a pause of the page itself the agent is not to blame.
  setInterval(() => {
    if (++silentTicks < silentAfterMs / tickMs || link.value !== "up") return;
    silentTicks = 0;
    carrier?.reconnect();
  }, tickMs);

  return {
    received,
    link,
    missed,
    language,
    texts: computed(() => textsOf(language.value)),
    nowMs,
    send: (intent) => {
      if (intent.kind === "captured") capture(intent);
      else carrier?.send(intent);
    },
    chooseLanguage: (chosen) => {
      language.value = chosen;
      rememberLanguage(chosen);
    },
  };
}

const scanIdOf = (view: KioskView | undefined): string | null =>
  view && "scanId" in view.screen ? view.screen.scanId : null;

export const StationContext = createContext<Station | null>(null);

/** The station of this page; only inside the tree that `main.tsx` draws. */
export function useStation(): Station {
  const station = useContext(StationContext);
  if (!station) throw new Error("useStation outside of StationContext");
  return station;
}
