import type { ReaderTestFinding, ReaderTestView, ScreenState } from "../../agent/kiosk-port/view.ts";
import { announcement } from "../components/announcer.tsx";
import { Said, Shown } from "../components/shown.tsx";
import type { Texts } from "../i18n/vi.ts";
import { useStation } from "../station.ts";

interface ReaderTestScreenProps {
  readonly test: ReaderTestView;
  /** What visitors at the other readers see meanwhile. */
  readonly screen: ScreenState;
}

/** For staff and technicians: the code to hold before the reader, and what came of it. Other readers record on. */
export function ReaderTestScreen({ test, screen }: ReaderTestScreenProps) {
  const { texts, send } = useStation();
  const { readerId, readerName, state, step, steps, symbol } = test;
  const isPage = readerId.startsWith("page:");
  return (
    <div class="test" data-tone={toneOf(test)}>
      {symbol && <TestSymbol symbol={symbol} label={texts.value.testSymbol} />}
      <div class="test-words">
        <p class="test-reader">
          {texts.value.testTitle}: <Shown text={isPage ? texts.value.testKeyboard : readerName} />
        </p>
        <div role="status">
          <h2>
            {state === "done" ? texts.value.testDone : texts.value.testStep(step, steps)} ·{" "}
            {verdictText(test, texts.value)}
          </h2>
        </div>
        {state === "waiting" && <p>{texts.value.testHold}</p>}
        <ul class="test-findings">
          {test.findings.map((finding) => (
            <FindingItem key={finding.code} finding={finding} />
          ))}
        </ul>
        <Outcome screen={screen} />
        {state !== "done" && <p class="test-note">{texts.value.testNotRecorded}</p>}
        <div class="test-actions">
          {state === "done" ? (
            <button type="button" onClick={() => send({ kind: "reader-test-start", readerId })}>
              {texts.value.testAgain}
            </button>
          ) : (
            <button type="button" class="primary" onClick={() => send({ kind: "reader-test-next" })}>
              {step === steps ? texts.value.testFinish : texts.value.testNext}
            </button>
          )}
          <button type="button" onClick={() => send({ kind: "reader-test-stop" })}>
            {texts.value.close}
          </button>
        </div>
      </div>
    </div>
  );
}

/** Dark on white whatever the page's colours are: a reader looks at it, not a person. */
function TestSymbol({
  symbol,
  label,
}: {
  readonly symbol: NonNullable<ReaderTestView["symbol"]>;
  readonly label: string;
}) {
  const { side, path } = symbol;
  return (
    <svg class="test-symbol" viewBox={`0 0 ${side} ${side}`} shape-rendering="crispEdges" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}

function FindingItem({ finding }: { readonly finding: ReaderTestFinding }) {
  return (
    <li data-severity={finding.severity}>
      <p class="test-finding">
        <Said sentence={finding.title} />
      </p>
      <p>
        <Said sentence={finding.next} />
      </p>
    </li>
  );
}

/** One line about the visitor of another reader. */
function Outcome({ screen }: { readonly screen: ScreenState }) {
  const { texts, language } = useStation();
  if (!("lane" in screen)) return null;
  return (
    <p class="test-outcome" data-outcome={screen.state}>
      <Shown text={`${screen.lane}: ${announcement(screen, texts.value, language.value)}`} />
    </p>
  );
}

function verdictText({ state, verdict }: ReaderTestView, texts: Texts): string {
  if (verdict === null) return texts.testWaiting;
  const done = state === "done";
  return {
    exact: done ? texts.testAllExact : texts.testExact,
    usable: texts.testUsable,
    faulty: texts.testFaulty,
  }[verdict];
}

const toneOf = ({ verdict }: ReaderTestView): string =>
  verdict === null ? "open" : { exact: "calm", usable: "warn", faulty: "alert" }[verdict];
