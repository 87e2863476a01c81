import {
  BinaryBitmap,
  DecodeHintType,
  HybridBinarizer,
  InvertedLuminanceSource,
  PlanarYUVLuminanceSource,
  QRCodeReader,
} from "@zxing/library";
import type { FrameDecoder, GreyFrame } from "../drivers/webcam/capture/frame-decoder.ts";
import { PersistentDecoder } from "../drivers/webcam/capture/persistent-decoder.ts";
import { ZxingDecoder } from "../drivers/webcam/capture/zxing-decoder.ts";
import {
  conditionFrame,
  emptyFrame,
  framesOfVideo,
  type MadeFrame,
  videoFrame,
} from "../testing/camera-frames/frame-set.ts";
import { inventedSymbols, readWasm } from "../testing/camera-frames/symbols.ts";
import { median, quantile } from "./quantiles.ts";

const videos = 20;

/** One engine's answers so far. */
interface Tally {
  readonly engine: FrameDecoder;
  readonly read: Map<string, number>;
  readonly people: Set<number>;
  wrong: number;
  readonly hitMs: number[];
  readonly emptyMs: number[];
  readonly emptyProcessorMs: number[];
}

/**
 * Frames made by ourselves, each given to every engine as grey pixels: zxing-cpp alone, ours with its further tries, and
 * zxing-js (try harder, and again inverted). Read frames overall and by condition, people seen in short videos, wrong
 * reads, and milliseconds for frames of 1280 x 720; the processor's time, which other programs disturb less, comes in steps
 * of the kernel's clock and is given as a mean.
 *
 * @param frames how many frames with a code; a third as many without one.
 */
export async function webcamDecoders(frames: number): Promise<void> {
  const symbols = await inventedSymbols(60);
  const engine = await ZxingDecoder.create(readWasm("zxing-wasm/reader/zxing_reader.wasm"));
  const tallies = {
    "zxing-cpp": tallyOf(engine),
    ours: tallyOf(new PersistentDecoder(engine)),
    "zxing-js": tallyOf(zxingJs),
  };
  const everyone = Object.values(tallies);
  for (let index = 0; index < 20; index++)
    for (const { engine } of everyone) engine.decode(conditionFrame(symbols, index).picture);

  const totals = new Map<string, number>();
  for (let index = 0; index < frames; index++) {
    const frame = conditionFrame(symbols, index);
    totals.set(frame.condition, (totals.get(frame.condition) ?? 0) + 1);
    for (const tally of inTurn(everyone, index)) {
      if (isRead(tally, frame)) tally.read.set(frame.condition, (tally.read.get(frame.condition) ?? 0) + 1);
    }
  }
  for (let index = 0; index < frames / 3; index++) {
    const frame = emptyFrame(symbols, index);
    for (const tally of inTurn(everyone, index)) isRead(tally, frame);
  }
  for (let video = 0; video < videos; video++) {
    for (let at = 0; at < framesOfVideo; at += 1) {
      const waiting = everyone.filter((tally) => !tally.people.has(video));
      if (waiting.length === 0) break;
      const frame = videoFrame(symbols, video, at);
      for (const tally of waiting) if (isRead(tally, frame, false)) tally.people.add(video);
    }
  }
  report(tallies, totals, frames);
}

const tallyOf = (engine: FrameDecoder): Tally => ({
  engine,
  read: new Map(),
  people: new Set(),
  wrong: 0,
  hitMs: [],
  emptyMs: [],
  emptyProcessorMs: [],
});

/** Each engine comes first as often as the others: the first one finds the frame outside of the cache. */
const inTurn = (tallies: readonly Tally[], index: number): Tally[] =>
  tallies.map((_, place) => tallies[(place + index) % tallies.length] as Tally);

const utf8 = new TextDecoder("utf-8", { fatal: true });

function isRead(tally: Tally, { picture, payload }: MadeFrame, timed = true): boolean {
  const usedBefore = process.threadCpuUsage();
  const from = performance.now();
  const code = tally.engine.decode(picture);
  const tookMs = performance.now() - from;
  const used = process.threadCpuUsage(usedBefore);
  if (timed && picture.width === 1280 && payload === null) {
    tally.emptyMs.push(tookMs);
    tally.emptyProcessorMs.push((used.user + used.system) / 1000);
  }
  if (timed && picture.width === 1280 && code !== null) tally.hitMs.push(tookMs);
  if (code === null) return false;
  if (utf8.decode(code.bytes) === payload) return true;
  tally.wrong += 1;
  return false;
}

/** The measured alternative, behind the same interface. */
const zxingJs: FrameDecoder = {
  decode({ data, width, height }: GreyFrame) {
    const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
    const source = new PlanarYUVLuminanceSource(pixels, width, height, 0, 0, width, height, false);
    for (const each of [source, new InvertedLuminanceSource(source)]) {
      try {
        const bitmap = new BinaryBitmap(new HybridBinarizer(each));
        const result = new QRCodeReader().decode(bitmap, new Map([[DecodeHintType.TRY_HARDER, true]]));
        const [one, two, three] = result.getResultPoints().map((point) => ({ x: point.getX(), y: point.getY() }));
        if (!one || !two || !three) continue;
        return { bytes: new TextEncoder().encode(result.getText()), corners: [two, three, three, one] };
      } catch {
        // Not found, or found and not readable: its way of saying null.
      }
    }
    return null;
  },
};

function report(tallies: Readonly<Record<string, Tally>>, totals: ReadonlyMap<string, number>, frames: number): void {
  const names = Object.keys(tallies);
  const row = (name: string, cells: readonly string[]) =>
    console.log(name.padEnd(26) + cells.map((cell) => cell.padStart(14)).join(""));
  const each = (cell: (tally: Tally) => string) => Object.values(tallies).map(cell);
  const percent = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const sum = (tally: Tally) => Array.from(tally.read.values()).reduce((left, right) => left + right, 0);
  const reference = tallies["zxing-js"] as Tally;
  const ratio = (mine: number, theirs: number) => `${mine.toFixed(1)} (${(mine / theirs).toFixed(2)})`;
  console.log(
    `\nwebcam: ${frames} frames with a code, ${Math.ceil(frames / 3)} without, ${videos} videos of ${framesOfVideo} frames`,
  );
  row("", names);
  row(
    "frames read",
    each((tally) => percent(sum(tally), frames)),
  );
  row(
    "people seen",
    each((tally) => `${tally.people.size} of ${videos}`),
  );
  row(
    "wrong reads",
    each((tally) => String(tally.wrong)),
  );
  console.log("ms at 1280 x 720 (ratio to zxing-js)");
  const times = (of: (tally: Tally) => readonly number[], share: number) =>
    each((tally) => ratio(quantile(of(tally), share), quantile(of(reference), share)));
  row(
    "  read, median",
    times(({ hitMs }) => hitMs, 0.5),
  );
  row(
    "  read, p95",
    times(({ hitMs }) => hitMs, 0.95),
  );
  row(
    "  no code, median",
    times(({ emptyMs }) => emptyMs, 0.5),
  );
  row(
    "  no code, p95",
    times(({ emptyMs }) => emptyMs, 0.95),
  );
  const mean = (samples: readonly number[]) => samples.reduce((left, right) => left + right, 0) / samples.length;
  row(
    "  no code, mean, processor",
    each(({ emptyProcessorMs }) => ratio(mean(emptyProcessorMs), mean(reference.emptyProcessorMs))),
  );
  console.log(`read by condition, of about ${median(Array.from(totals.values()))} each`);
  for (const [condition, total] of totals) {
    row(
      `  ${condition}`,
      each((tally) => percent(tally.read.get(condition) ?? 0, total)),
    );
  }
}
