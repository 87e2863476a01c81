import type { TestedReader } from "../../agent/kiosk-port/view.ts";
import { shortDateText } from "../i18n/time.ts";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";
import { Said } from "./shown.tsx";

interface ReaderTestDoorProps {
  readonly readerId: string;
  readonly readerName: string;
  readonly onOpen: () => void;
}

/** What the last test of a reader found, and the button to test it. */
export function ReaderTestDoor({ readerId, readerName, onOpen }: ReaderTestDoorProps) {
  const { received, texts, send } = useStation();
  const tested = received.value?.view.tested.find((one) => one.readerId === readerId);
  return (
    <div class="test-door">
      {tested && (
        <p data-tone={tested.verdict === "exact" ? "calm" : "warn"}>
          {testedText(tested, texts.value)}
          {tested.findings.map((finding, at) => (
            <>
              {at === 0 ? ": " : ", "}
              <Said sentence={finding} />
            </>
          ))}
        </p>
      )}
      <button
        type="button"
        aria-label={`${texts.value.testStart}: ${readerName}`}
        onClick={() => {
          send({ kind: "reader-test-start", readerId });
          onOpen();
        }}
      >
        {texts.value.testStart}
      </button>
    </div>
  );
}

function testedText({ atMs, verdict }: TestedReader, texts: Texts): string {
  const result = { exact: texts.testAllExact, usable: texts.testUsable, faulty: texts.testFaulty }[verdict];
  return `${texts.testedOn(shortDateText(atMs))} · ${result}`;
}
