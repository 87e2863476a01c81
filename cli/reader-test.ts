/** `tram readers --test`: the guided test at a terminal, through the running agent or with the reader opened here. */
import { writeFileSync } from "node:fs";
import { withCalibration } from "../agent/keyboard-calibration.ts";
import type { ReaderTestFinding, ReaderTestView, ReaderView } from "../agent/kiosk-port/view.ts";
import { ReaderTest, type ReaderUnderTest } from "../agent/reader-test.ts";
import { assess } from "../drivers/discovery.ts";
import { openReader } from "../drivers/open-reader.ts";
import { thisMachine } from "../drivers/plugged/system.ts";
import { parseReaderSpec, type ReaderSpec } from "../drivers/reader-spec.ts";
import { qrLines, qrSvg } from "../drivers/reader-test/qr-picture.ts";
import { qrSymbol } from "../drivers/reader-test/qr-symbol.ts";
import { testCodes } from "../drivers/reader-test/test-codes.ts";
import { AgentError } from "../provisioning/agent-error.ts";
import { prepareDataFolder } from "../provisioning/data-folder.ts";
import { loadReaderProfiles, saveReaderProfile } from "../provisioning/reader-profiles.ts";
import { type AgentClient, connectToAgent } from "./agent-client.ts";
import { CommandFailure } from "./failure.ts";
import { printable, printJson } from "./output.ts";

export interface ReaderTestCommand {
  /** A specification, or the id or name of a reader of the running agent; undefined: the only one there is. */
  readonly named: string | undefined;
  readonly dataDir: string;
  readonly json: boolean;
  /** A file that always holds the code to show, as SVG, for another screen. */
  readonly svgFile: string | undefined;
  readonly stopped: AbortSignal;
}

/** Longer than the agent keeps a test that nobody goes on with. */
const patienceMs = 200_000;

/**
 * Runs the test to its end and prints every step of it.
 *
 * @returns the exit code: 0 when every code arrived exact, 2 when there are findings
 * @throws {CommandFailure} when there is no reader to test, {@link ReaderFault} when it cannot be opened or is unplugged
 */
export async function testReader(command: ReaderTestCommand): Promise<0 | 2> {
  const agent = await runningAgent(command.dataDir);
  if (agent === null) return testHere(command);
  try {
    const readers = await agent.view((view) => view.readers, 5_000, "readers");
    const reader = readerOfAgent(command.named, readers);
    return reader === null ? await testHere(command) : await testThrough(agent, reader, command);
  } finally {
    agent.close();
  }
}

async function runningAgent(dataDir: string): Promise<AgentClient | null> {
  try {
    return await connectToAgent(dataDir);
  } catch (error) {
    if (error instanceof AgentError && error.code === "agent.not-running") return null;
    throw error;
  }
}

/** Null when the agent does not have the reader that is named. */
function readerOfAgent(named: string | undefined, readers: readonly ReaderView[]): ReaderView | null {
  if (named !== undefined) {
    const known = readers.find(({ id, name }) => id === named || name === named);
    return known ?? readers.find(({ id }) => id === parseReaderSpec(named).id) ?? null;
  }
  return onlyOne(readers, ({ id }) => id);
}

async function testThrough(agent: AgentClient, reader: ReaderView, command: ReaderTestCommand): Promise<0 | 2> {
  const printer = createPrinter(command);
  let shown = "";
  let begun = false;
  agent.send({ kind: "reader-test-start", readerId: reader.id });
  const stop = (): void => agent.send({ kind: "reader-test-stop" });
  command.stopped.addEventListener("abort", stop, { once: true });
  for (;;) {
    const view = await agent.view(
      ({ readerTest }) => (isNews(readerTest, reader.id, shown, begun) ? { readerTest } : undefined),
      patienceMs,
      "reader test",
    );
    if (command.stopped.aborted) return 2;
    if (view.readerTest?.readerId !== reader.id) throw new CommandFailure("The test was ended at the station.");
    begun = true;
    shown = stateOf(view.readerTest);
    await printer.print(view.readerTest);
    if (view.readerTest.state === "done") {
      stop();
      return exitCodeOf(view.readerTest);
    }
    if (goesOn(view.readerTest)) agent.send({ kind: "reader-test-next" });
  }
}

/** A view that tells something new: until the test has begun, the one of an earlier test is none. */
function isNews(view: ReaderTestView | null, readerId: string, shown: string, begun: boolean): boolean {
  if (begun) return view === null || stateOf(view) !== shown;
  return view?.readerId === readerId && view.step === 1 && view.state === "waiting";
}

const stateOf = (view: ReaderTestView): string =>
  [view.readerId, view.step, view.state, ...view.findings.map(({ technician }) => technician)].join(" ");

async function testHere(command: ReaderTestCommand): Promise<0 | 2> {
  const spec = await readerHere(command.named);
  const printer = createPrinter(command);
  const target: ReaderUnderTest = { id: spec.id, name: spec.name, transport: spec.transport };
  const ended = Promise.withResolvers<0 | 2>();
  let shown = "";
  let printing = Promise.resolve();
  const session = new ReaderTest({
    onChange: () => {
      const view = session.view;
      if (view === null) return ended.resolve(2);
      if (stateOf(view) === shown) return;
      shown = stateOf(view);
      printing = printing.then(() => printer.print(view));
      if (view.state === "done") void printing.then(() => ended.resolve(exitCodeOf(view)), ended.reject);
      else if (goesOn(view)) setImmediate(() => session.next());
    },
    onTested: (profile) => {
      const dataDir = prepareDataFolder(command.dataDir);
      saveReaderProfile(dataDir, withCalibration(profile, loadReaderProfiles(dataDir).readers));
    },
    wallMs: () => Date.now(),
    log: (event, facts) => {
      if (event === "reader-test.not-saved")
        process.stderr.write(`tram: the result was not kept: ${String(facts.error)}\n`);
      if (event === "reader-test.fault")
        ended.reject(new CommandFailure(`The test cannot run: ${String(facts.error)}`));
    },
  });
  await using reader = await openReader(spec, undefined, (event) => session.raw(spec.id, event));
  const stop = (): void => session.stop();
  if (command.stopped.aborted) return 2;
  command.stopped.addEventListener("abort", stop, { once: true });
  await session.start(target);
  void (async () => {
    for await (const scan of reader) session.scan(scan);
  })().catch(ended.reject);
  try {
    return await ended.promise;
  } finally {
    session.stop();
  }
}

async function readerHere(named: string | undefined): Promise<ReaderSpec> {
  if (named !== undefined) return parseReaderSpec(named);
  const specs = assess(await thisMachine().list()).flatMap((one) => (one.verdict === "reader" ? [one.spec] : []));
  return onlyOne(specs, ({ id }) => id);
}

function onlyOne<T>(readers: readonly T[], idOf: (reader: T) => string): T {
  const [only] = readers;
  if (only !== undefined && readers.length === 1) return only;
  throw new CommandFailure(
    only === undefined
      ? "No reader is plugged in that can be opened by itself; name one, for example --test serial:/dev/ttyACM0."
      : `Several readers are there; name one, for example --test "${idOf(only)}": ${readers.map(idOf).join(", ")}.`,
  );
}

/** An exact code is followed by the next one anyway. A stranger's code is no answer: the test waits on. */
const goesOn = ({ state, verdict, findings }: ReaderTestView): boolean =>
  state === "result" && verdict === "faulty" && !findings.some(({ code }) => code === "other-code");

const exitCodeOf = ({ verdict }: ReaderTestView): 0 | 2 => (verdict === "exact" ? 0 : 2);

const verdictTexts = {
  exact: "Đúng từng byte / exact",
  usable: "Dùng được / usable: the station undoes the difference",
  faulty: "Có lỗi / faulty",
} as const;

interface Printer {
  print(view: ReaderTestView): Promise<void>;
}

function createPrinter({ json, svgFile }: ReaderTestCommand): Printer {
  return {
    async print(view) {
      const { state, step, steps, readerId, readerName, codeBytes, verdict, findings } = view;
      const code = testCodes[step - 1];
      const symbol = code && state === "waiting" ? await qrSymbol(code) : null;
      if (symbol !== null && svgFile !== undefined) writeFileSync(svgFile, qrSvg(symbol));
      if (json) return printJson({ event: "reader-test", readerId, state, step, steps, codeBytes, verdict, findings });
      const lines: string[] = [];
      if (symbol !== null) {
        lines.push(
          `\n${printable(readerName)}: ${step}/${steps}  Quét mã này / scan this code (${codeBytes} bytes)`,
          qrLines(symbol),
        );
      }
      if (state === "done") lines.push(`\nKết quả / result of ${readerId}`);
      if (verdict !== null) lines.push(verdictTexts[verdict], ...findings.map(findingText));
      process.stdout.write(`${lines.join("\n")}\n`);
    },
  };
}

function findingText({ severity, title, technician }: ReaderTestFinding): string {
  return `  ${severity.padEnd(8)} ${title.vi} / ${title.en}\n           ${printable(technician)}`;
}
