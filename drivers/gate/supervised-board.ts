/**
 * Keeps one board open for ever and its relays off. ON is never left standing: every output is switched off on opening,
 * before anything else, after every pulse, after every fault that leaves the board reachable, and on stopping.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createPulsedRelay, type PulsedRelay, type PulseReport, switchOff } from "./pulsed-relay.ts";
import { openRelayBoard, type RelayBoard } from "./relay-board.ts";
import { RelayFault, type RelayFaultCode } from "./relay-fault.ts";
import type { RelaySpec } from "./relay-spec.ts";

/** What a relay is doing. `code` and `message` are set while, and only while, it is in `fault`. */
export type RelayState = { readonly relayId: string } & (
  | { readonly state: "connecting" | "ready"; readonly code: null; readonly message: null }
  | { readonly state: "fault"; readonly code: RelayFaultCode; readonly message: string }
);

export interface BoardSupervision {
  /** Told on change only. */
  readonly onState: (state: RelayState) => void;
  readonly onReport: (report: PulseReport) => void;
  readonly open?: (spec: RelaySpec) => Promise<RelayBoard>;
}

export interface SupervisedBoard extends AsyncDisposable {
  /**
   * Asks for a pulse now, or never: what cannot be given at once is dropped, because a gate must not open for nobody
   * when its cable is plugged in again.
   */
  pulse(relayId: string, askedMs: number): void;
}

/** As for readers (readers.md 8.5): quick for a cable that was touched, patient for a board that was taken away. */
const DELAYS_MS = [500, 1000, 2000, 5000];

/** Supervises the relays of one board; all `specs` name the same path. */
export function superviseBoard(specs: readonly RelaySpec[], supervision: BoardSupervision): SupervisedBoard {
  const { onReport, onState, open = openRelayBoard } = supervision;
  const stop = new AbortController();
  let relays: ReadonlyMap<string, PulsedRelay> = new Map();
  let reported = "";

  const report = (fault: RelayFault | null, state: "connecting" | "ready" = "connecting"): void => {
    const key = fault === null ? state : fault.message;
    if (key === reported || stop.signal.aborted) return;
    reported = key;
    for (const { id } of specs) {
      onState(
        fault === null
          ? { relayId: id, state, code: null, message: null }
          : { relayId: id, state: "fault", code: fault.code, message: fault.message },
      );
    }
  };

  /** Every relay is told, also beside one that does not answer; the first refusal is thrown. */
  const allOff = async (board: RelayBoard): Promise<void> => {
    const told = await Promise.allSettled(specs.map((spec) => switchOff((on) => board.switch(spec, on))));
    const refused = told.find((one) => one.status === "rejected");
    if (refused !== undefined) throw refused.reason;
  };

  /** One opening, until the board is lost or `stop`. */
  const serve = async (board: RelayBoard, onReady: () => void): Promise<RelayFault | null> => {
    const lost = Promise.withResolvers<RelayFault | null>();
    const end = new AbortController();
    void board.gone.then(lost.resolve);
    stop.signal.addEventListener("abort", () => lost.resolve(null), { signal: end.signal });
    if (stop.signal.aborted) lost.resolve(null);
    try {
      await allOff(board);
      relays = new Map(
        specs.map((spec) => [
          spec.id,
          createPulsedRelay(spec, {
            switch: (on) => board.switch(spec, on),
            onReport,
            onFault: lost.resolve,
            stop: end.signal,
          }),
        ]),
      );
      onReady();
      return await lost.promise;
    } finally {
      const ending = [...relays.values()];
      relays = new Map();
      end.abort();
      await Promise.all(ending.map((relay) => relay.settled()));
      await allOff(board).catch(() => {}); // The fault that brought us here is the one to tell.
    }
  };

  const run = async (): Promise<void> => {
    report(null, "connecting");
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      try {
        await using board = await open(specs[0] as RelaySpec);
        const fault = await serve(board, () => {
          attempt = 0;
          report(null, "ready");
        });
        report(fault);
      } catch (error) {
        report(
          error instanceof RelayFault
            ? error
            : new RelayFault("relay.failed", `The relay board failed (${String(error)}): plug it in again.`),
        );
      }
      const delayMs = DELAYS_MS[Math.min(attempt, DELAYS_MS.length - 1)];
      await pause(delayMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  };
  const finished = run();

  return {
    pulse(relayId, askedMs) {
      const relay = relays.get(relayId);
      if (relay !== undefined) return relay.pulse(askedMs);
      onReport({ relayId, result: "dropped", why: "not-connected" });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await finished;
    },
  };
}
