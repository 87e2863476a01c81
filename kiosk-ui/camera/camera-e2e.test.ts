import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fakeCameraFlags, type Scene, writeFakeCamera } from "../../testing/camera-frames/fake-camera.ts";
import { inventedCard } from "../../testing/camera-frames/symbols.ts";
import { launchChromium } from "../../testing/chromium.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { openWatched, see } from "../../testing/kiosk-driver.ts";
import { jsonLines, type Line, type Running, runTram, startTram } from "../../testing/program.ts";
import { until } from "../../testing/until.ts";

// From a camera's pictures to an entry the centre has stored: real centre, real agent, real browser with a camera that
// plays a file. The only reader is one that is not there, so the page offers the camera.

const scenes: Readonly<Record<string, Pick<Scene, "showing" | "shot">>> = {
  moving: {
    showing: { on: "card" },
    shot: (time) => ({
      centreX: 320 + 150 * Math.sin(2 * Math.PI * time),
      centreY: 240 + 40 * Math.cos(2 * Math.PI * time),
      motionPx: 1 + 5 * Math.abs(Math.cos(2 * Math.PI * time)),
      rotationDeg: 8 * Math.sin(2 * Math.PI * time),
    }),
  },
  blurred: { showing: { on: "card" }, shot: () => ({ defocusPx: 1.9, noise: 4 }) },
  rotated: { showing: { on: "card" }, shot: (time) => ({ rotationDeg: 30 + 40 * time }) },
  "dark telephone": { showing: { on: "phone", inverted: true }, shot: () => ({}) },
  mirrored: { showing: { on: "card" }, shot: () => ({ mirrored: true }) },
};

let folder: ReturnType<typeof temporaryFolder>;
let system: Running;
let kioskUrl: string;
const dataDir = () => path.join(folder.path, "station");

beforeAll(async () => {
  folder = temporaryFolder();
  const reader = `serial:${path.join(folder.path, "not-plugged-in")}?direction=in`;
  const ports = ["--central-port", "0", "--kiosk-port", "0"];
  system = startTram("start", "--no-window", "--json", "--data", dataDir(), ...ports, "--reader", reader);
  kioskUrl = String((await system.line("ready")).kiosk);
}, 60_000);

afterAll(async () => {
  await system?.end("SIGTERM");
  folder?.[Symbol.dispose]();
});

/** Plays the scene to the page's camera, pressed on as staff would, until `done` says so. */
async function playToPage<T>(name: string, scene: Scene, done: (framesShown: () => Promise<number>) => Promise<T>) {
  const file = path.join(folder.path, `${name}.y4m`);
  writeFakeCamera(file, scene);
  const browser = await launchChromium(fakeCameraFlags(file));
  try {
    await using watched = await openWatched(browser, kioskUrl, scene.payload.split("|").slice(0, 3).filter(Boolean));
    const { page } = watched;
    await see(page, "Quét bằng camera", ".stage");
    await page.getByRole("button", { name: "Quét bằng camera" }).click();
    const label = await until("the preview has a track", () =>
      page.evaluate(() => {
        const stream = document.querySelector<HTMLVideoElement>(".camera video")?.srcObject;
        return stream instanceof MediaStream ? stream.getVideoTracks()[0]?.label : undefined;
      }),
    );
    expect(label).toBe(file);
    const result = await done(() =>
      page.evaluate(
        () =>
          document.querySelector<HTMLVideoElement>(".camera video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
      ),
    );
    expect(watched.leaks).toEqual([]);
    expect(watched.strangers).toEqual([]);
    expect(watched.complaints).toEqual([]);
    return result;
  } finally {
    await browser.close();
  }
}

/** Ids of the entries made so far. */
const seen = new Set<unknown>();

const entries = async (): Promise<Line[]> => jsonLines((await runTram(["journal", "export", "--data", dataDir()])).out);

test.each(Object.keys(scenes))(
  "a %s code becomes one stored entry with exactly its bytes",
  async (name) => {
    const payload = inventedCard(500 + Object.keys(scenes).indexOf(name));
    const scene = { width: 640, height: 480, payload, ...(scenes[name] as Pick<Scene, "showing" | "shot">) };
    const line = await playToPage(name, scene, () =>
      system.line("scan", (each) => each.verdict === "accept" && !seen.has(each.entryId), 60_000),
    );
    seen.add(line.entryId);
    const row = await until(
      "the entry is stored at the centre",
      async () => (await entries()).find((each) => each.id === line.entryId && each.state === "stored"),
      30_000,
    );
    expect(Buffer.from(String(row.rawB64), "base64").toString("utf8")).toBe(payload);
    expect(await entries()).toHaveLength(seen.size);
  },
  120_000,
);

test("the same card with its code painted over becomes none", async () => {
  const before = await entries();
  const scene: Scene = {
    payload: inventedCard(510),
    width: 640,
    height: 480,
    showing: { on: "card", paintedOver: true },
    shot: () => ({}),
  };
  await playToPage("painted over", scene, (framesShown) =>
    until("60 frames", async () => (await framesShown()) >= 60, 60_000),
  );
  expect(await entries()).toEqual(before);
}, 120_000);
