import type { ComponentChildren } from "preact";
import type { ReaderView } from "../../agent/kiosk-port/view.ts";
import { useCamera } from "../camera/camera.ts";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";
import { IconDirection } from "./icons.tsx";
import { RelayInTrouble } from "./relay-in-trouble.tsx";
import { Said, Shown } from "./shown.tsx";
import { UnusableReader } from "./unusable-reader.tsx";

/** What a person at the reader can count on: in its test a reader that is ready records nobody. */
type ShownState = ReaderView["state"] | "test";

const stateText = (state: ShownState, texts: Texts): string =>
  ({
    ready: texts.readerReady,
    connecting: texts.readerConnecting,
    fault: texts.readerFault,
    test: texts.readerInTest,
  })[state];

const directionText = (direction: ReaderView["direction"], texts: Texts): string =>
  ({ in: texts.directionIn, out: texts.directionOut, auto: texts.directionAuto })[direction];

interface ReaderItemProps {
  readonly reader: ReaderView;
  readonly withAdvice?: true;
  readonly children?: ComponentChildren;
}

/**
 * One reader: name, direction, state, and what to do about it when it is not ready. What would make it better is for
 * staff who look (`withAdvice`), not for the strip that every visitor sees.
 */
export function ReaderItem({ reader, withAdvice, children }: ReaderItemProps) {
  const station = useStation();
  const texts = station.texts.value;
  const test = station.received.value?.view.readerTest;
  const inTest = test?.readerId === reader.id && test.state !== "done" && reader.state === "ready";
  const state: ShownState = inTest ? "test" : reader.state;
  return (
    <li class="reader" data-state={state}>
      <p class="reader-name">
        <span class="lamp" aria-hidden="true" />
        <Shown text={reader.name} />
        <span class="reader-direction">
          <IconDirection direction={reader.direction} />
          {directionText(reader.direction, texts)}
        </span>
      </p>
      <p class="reader-state">
        {stateText(state, texts)}
        {reader.message && (
          <>
            {": "}
            <Said sentence={reader.message} />
          </>
        )}
      </p>
      {withAdvice && reader.advice && (
        <p class="reader-advice">
          <Said sentence={reader.advice} />
        </p>
      )}
      {children}
    </li>
  );
}

/**
 * All readers along the bottom, and gates that do not open by themselves; what needs a hand comes first, because a
 * long strip is cut at the right.
 */
export function ReaderStrip() {
  const { received, texts } = useStation();
  const camera = useCamera().state.value;
  const readers = received.value?.view.readers ?? [];
  const unusable = received.value?.view.unusable ?? [];
  const troubled = received.value?.view.relays.filter(({ state }) => state === "fault") ?? [];
  const needFirst = readers.toSorted((left, right) => Number(left.state === "ready") - Number(right.state === "ready"));
  if (received.value && readers.length + unusable.length + troubled.length === 0) {
    const reads = camera.state === "running";
    return (
      <p class="readers readers-none" data-tone={reads ? "calm" : "warn"}>
        {reads ? texts.value.readersCamera : texts.value.readersNone}
      </p>
    );
  }
  return (
    <ul class="readers" aria-label={texts.value.readersLabel}>
      {troubled.map((relay) => (
        <RelayInTrouble key={relay.id} relay={relay} />
      ))}
      {unusable.map((device) => (
        <UnusableReader key={device.id} device={device} />
      ))}
      {needFirst.map((reader) => (
        <ReaderItem key={reader.id} reader={reader} />
      ))}
    </ul>
  );
}
