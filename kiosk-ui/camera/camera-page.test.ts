import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fakeCameraFlags, type Scene, writeFakeCamera } from "../../testing/camera-frames/fake-camera.ts";
import { inventedCard } from "../../testing/camera-frames/symbols.ts";
import { launchChromium } from "../../testing/chromium.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { see, takeShots } from "../../testing/kiosk-driver.ts";
import { buildKioskPage, calmView, type ScriptedKiosk, startScriptedKiosk } from "../../testing/kiosk-page.ts";
import { rectangles, textsOutsideOfStage, weakContrasts } from "../../testing/page-measures.ts";
import { until } from "../../testing/until.ts";

// The built page in a real Chromium before a camera that plays a file, with a scripted agent behind it.

const payload = inventedCard(77);
const scene: Scene = { payload, showing: { on: "card" }, width: 640, height: 480, shot: () => ({}) };
const always = { ...calmView, readers: [], capture: { camera: "always", keyboard: true } } as const;
const fallback = { ...always, capture: { camera: "fallback", keyboard: true } } as const;

let folder: ReturnType<typeof temporaryFolder>;
let kiosk: ScriptedKiosk;

beforeAll(async () => {
  folder = temporaryFolder();
  kiosk = await startScriptedKiosk(await buildKioskPage());
}, 60_000);

afterAll(async () => {
  await kiosk?.[Symbol.asyncDispose]();
  folder?.[Symbol.dispose]();
});

/** A browser with these flags, its page open; everything it complains of ends up in `complaints`. */
async function openPage(
  flags: readonly string[],
  view: typeof always | typeof fallback = always,
  prepare: (page: Page) => Promise<unknown> = async () => {},
) {
  kiosk.untaken();
  kiosk.comeUp();
  kiosk.show({ ...view, screen: { state: "ready" } });
  const browser: Browser = await launchChromium(flags);
  const page: Page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await prepare(page);
  await page.goto(kiosk.url);
  return { page, complaints, [Symbol.asyncDispose]: () => browser.close() };
}

const playing = (file: string, what: Scene): readonly string[] => {
  const full = path.join(folder.path, file);
  writeFakeCamera(full, what);
  return fakeCameraFlags(full);
};

/** The label of the track in the preview: the file it plays, when it is the file. */
const label = (page: Page) =>
  until("the preview has a track", () =>
    page.evaluate(() => {
      const stream = document.querySelector<HTMLVideoElement>(".camera video")?.srcObject;
      return stream instanceof MediaStream ? stream.getVideoTracks()[0]?.label : undefined;
    }),
  );

/** Waits until the preview has shown this many frames. */
const framesShown = (page: Page, count: number) =>
  until(
    `${count} frames`,
    () =>
      page.evaluate(
        (least) =>
          (document.querySelector<HTMLVideoElement>(".camera video")?.getVideoPlaybackQuality().totalVideoFrames ??
            0) >= least,
        count,
      ),
    60_000,
  );

const scans = () => kiosk.intents.filter((intent) => intent.kind === "captured" && intent.source === "webcam");

test("a card held before the camera is one scan of exactly its bytes, however long it is held", async () => {
  const before = scans().length;
  await using here = await openPage(playing("card.y4m", scene));
  expect(await label(here.page)).toBe(path.join(folder.path, "card.y4m"));
  await until("the scan", () => scans().length > before, 30_000);
  await framesShown(here.page, 60);
  expect(scans()).toHaveLength(before + 1);
  const [scan] = scans().slice(before);
  expect(scan?.kind === "captured" && Buffer.from(scan.bytesB64, "base64").toString("utf8")).toBe(payload);
  expect(here.complaints).toEqual([]);
}, 90_000);

test("a card whose code is painted over is no scan", async () => {
  const before = scans().length;
  await using here = await openPage(playing("painted.y4m", { ...scene, showing: { on: "card", paintedOver: true } }));
  expect(await label(here.page)).toBe(path.join(folder.path, "painted.y4m"));
  await framesShown(here.page, 60);
  expect(scans()).toHaveLength(before);
}, 90_000);

describe("what keeps it from reading is said in one sentence, Vietnamese and English", () => {
  const saysInBoth = async (page: Page, name: string, vi: string, en: string): Promise<void> => {
    await see(page, vi, ".camera-line", 30_000);
    await page.click(".languages [lang=en]");
    await see(page, en, ".camera-line");
    await page.click(".languages [lang=vi]");
    expect(await textsOutsideOfStage(page)).toEqual([]);
    expect(await weakContrasts(page)).toEqual([]);
    await takeShots(page, name);
  };

  test("the camera is refused", async () => {
    // Without the flag that answers the question, headless Chromium refuses.
    await using here = await openPage(["--use-fake-device-for-media-stream"]);
    await saysInBoth(here.page, "camera-refused", "Camera bị chặn", "The camera is blocked");
  }, 60_000);

  test("there is no camera; it starts by itself when one comes", async () => {
    const file = path.join(folder.path, "later.y4m");
    await using here = await openPage(fakeCameraFlags(file));
    await saysInBoth(here.page, "camera-absent", "Không thấy camera", "No camera found");
    const before = scans().length;
    writeFakeCamera(file, scene);
    await until("the scan", () => scans().length > before, 60_000);
    expect(await label(here.page)).toBe(file);
  }, 120_000);

  test("the camera has too few pixels: it says so, and reads on", async () => {
    const before = scans().length;
    const coarse = { ...scene, width: 320, height: 240, shot: () => ({ modulePx: 2.4 }) };
    await using here = await openPage(playing("coarse.y4m", coarse));
    expect(await label(here.page)).toBe(path.join(folder.path, "coarse.y4m"));
    await saysInBoth(here.page, "camera-coarse", "Camera này hơi mờ", "This camera is not sharp");
    await until("the scan", () => scans().length > before, 30_000);
  }, 60_000);

  test("the code is far away, the room is dark", async () => {
    await using far = await openPage(
      playing("far.y4m", { ...scene, width: 1280, height: 720, shot: () => ({ modulePx: 1.2 }) }),
    );
    await saysInBoth(far.page, "camera-far", "Đưa thẻ lại gần hơn", "Hold the card closer");
    await using dark = await openPage(
      playing("dark.y4m", {
        ...scene,
        showing: { on: "card", paintedOver: true },
        shot: () => ({ white: 22, noise: 6 }),
      }),
    );
    await saysInBoth(dark.page, "camera-dark", "Tối quá", "Too dark");
  }, 120_000);
});

test("where it stands in for readers it is offered, runs when asked, stops when a reader is ready, and staff switch it off", async () => {
  await using here = await openPage(playing("offer.y4m", scene), fallback);
  const { page } = here;
  const before = await rectangles(page);
  const camera = page.locator(".camera");
  await see(page, "Quét bằng camera", ".stage");
  await see(page, "Chưa thấy đầu đọc nào", ".readers");
  expect(await textsOutsideOfStage(page)).toEqual([]);
  expect(await camera.count()).toBe(0);
  await takeShots(page, "camera-offer");
  await page.getByRole("button", { name: "Quét bằng camera" }).click();
  await page.locator(".camera[data-state=running]").waitFor();
  const track = await page.evaluateHandle(() => {
    const stream = document.querySelector<HTMLVideoElement>(".camera video")?.srcObject;
    return stream instanceof MediaStream ? stream.getVideoTracks()[0] : undefined;
  });
  const trackState = () => track.evaluate((each) => each?.readyState);
  expect(await trackState()).toBe("live");
  await framesShown(page, 10);
  await see(page, "Đang đọc mã bằng camera", ".readers");
  await takeShots(page, "camera-running");
  expect(await rectangles(page)).toBe(before);
  expect(await textsOutsideOfStage(page)).toEqual([]);
  expect(await weakContrasts(page)).toEqual([]);

  kiosk.show({ readers: calmView.readers });
  await until("the camera is let go", async () => (await trackState()) === "ended");
  expect(await camera.count()).toBe(0);
  kiosk.show({ readers: [] });
  await page.locator(".camera[data-state=running]").waitFor();

  await page.getByRole("button", { name: "Nhân viên" }).click();
  await see(page, "Đang quét bằng camera", ".panel");
  expect(await textsOutsideOfStage(page)).toEqual([]);
  await takeShots(page, "camera-staff-panel");
  await page.getByRole("button", { name: "Tắt camera" }).click();
  await see(page, "Camera đang tắt", ".panel");
  expect(await camera.count()).toBe(0);
  expect(here.complaints).toEqual([]);
}, 90_000);

/** The tracks of every stream the page ever got. */
const rememberTracks = (page: Page) =>
  page.addInitScript(() => {
    const tracks: MediaStreamTrack[] = [];
    Object.assign(globalThis, { tracks });
    const { mediaDevices } = navigator;
    const open = mediaDevices.getUserMedia.bind(mediaDevices);
    mediaDevices.getUserMedia = async (wish) => {
      const stream = await open(wish);
      tracks.push(...stream.getTracks());
      return stream;
    };
  });
const trackStates = (page: Page) =>
  page.evaluate(() =>
    (globalThis as unknown as { tracks: MediaStreamTrack[] }).tracks.map(({ readyState }) => readyState),
  );

describe("no camera stays on behind the page's back", () => {
  test("while nobody can see the page, and it runs again when somebody does", async () => {
    await using here = await openPage(playing("hidden.y4m", scene), always, rememberTracks);
    await here.page.locator(".camera[data-state=running]").waitFor();
    // Headless pages are always seen: what the browser tells a page whose window is minimised.
    const turn = (hidden: boolean) =>
      here.page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { configurable: true, value });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await turn(true);
    expect(await trackStates(here.page)).toEqual(["ended"]);
    await turn(false);
    await here.page.locator(".camera[data-state=running]").waitFor();
    expect(await trackStates(here.page)).toEqual(["ended", "live"]);
  }, 60_000);

  test("when something goes wrong between opening and reading", async () => {
    const broken = async (page: Page): Promise<void> => {
      await rememberTracks(page);
      await page.addInitScript(() => {
        Object.assign(globalThis, { Worker: undefined });
      });
    };
    await using here = await openPage(playing("broken.y4m", scene), always, broken);
    await here.page.locator(".camera[data-state=fault]").waitFor();
    await until("each try lets go", async () => {
      const states = await trackStates(here.page);
      return states.length > 1 && states.slice(0, 2).every((state) => state === "ended");
    });
  }, 60_000);
});

describe("it comes back by itself", () => {
  test("when another program lets go of the camera", async () => {
    // Chromium's own answer to a camera in use, given once.
    const busyOnce = (page: Page) =>
      page.addInitScript(() => {
        const { mediaDevices } = navigator;
        mediaDevices.getUserMedia = async () => {
          Reflect.deleteProperty(mediaDevices, "getUserMedia");
          throw new DOMException("Could not start video source", "NotReadableError");
        };
      });
    await using here = await openPage(playing("busy.y4m", scene), always, busyOnce);
    await see(here.page, "Chương trình khác đang dùng camera", ".camera-line");
    await here.page.locator(".camera[data-state=running]").waitFor();
  }, 60_000);

  test("when it was unplugged and plugged in again", async () => {
    await using here = await openPage(playing("gone.y4m", scene));
    await here.page.locator(".camera[data-state=running] video").waitFor();
    const first = await label(here.page);
    // A file cannot be unplugged: the event that a camera's driver causes.
    await here.page.evaluate(() => {
      const stream = document.querySelector<HTMLVideoElement>(".camera video")?.srcObject;
      if (!(stream instanceof MediaStream)) throw new Error("no stream");
      Object.assign(globalThis, { before: stream });
      stream.getVideoTracks()[0]?.dispatchEvent(new Event("ended"));
    });
    await see(here.page, "Camera vừa bị rút", ".camera-line");
    await here.page.locator(".camera[data-state=running] video").waitFor();
    expect(await label(here.page)).toBe(first);
    const again = await here.page.evaluate(() => {
      const { before } = globalThis as unknown as { before: MediaStream };
      const now = document.querySelector<HTMLVideoElement>(".camera video")?.srcObject;
      return { isNew: now !== before, old: before.getVideoTracks()[0]?.readyState };
    });
    expect(again).toEqual({ isNew: true, old: "ended" });
  }, 60_000);
});

test("a camera with a lamp gets a button for it, and focuses by itself where it can", async () => {
  const withLamp = (page: Page) =>
    page.addInitScript(() => {
      const wishes: unknown[] = [];
      Object.assign(globalThis, { wishes });
      const track = MediaStreamTrack.prototype;
      track.getCapabilities = () => ({ torch: true, focusMode: ["manual", "continuous"] }) as MediaTrackCapabilities;
      track.applyConstraints = async (wish) => void wishes.push(...(wish?.advanced ?? []));
    });
  await using here = await openPage(playing("lamp.y4m", scene), always, withLamp);
  await here.page.getByRole("button", { name: "Bật đèn" }).click();
  await here.page.getByRole("button", { name: "Tắt đèn" }).waitFor();
  expect(await textsOutsideOfStage(here.page)).toEqual([]);
  await takeShots(here.page, "camera-lamp");
  const wishes = await here.page.evaluate(() => (globalThis as unknown as { wishes: unknown[] }).wishes);
  expect(wishes).toEqual([{ focusMode: "continuous" }, { torch: true }]);
}, 60_000);

test("of two cameras staff choose one, and it is still the one after a restart of the page", async () => {
  const flags = ["--use-fake-device-for-media-stream=device-count=2", "--use-fake-ui-for-media-stream"];
  await using here = await openPage(flags);
  const first = await label(here.page);
  await here.page.getByRole("button", { name: "Đổi camera" }).click();
  const second = await until("the other camera", async () => {
    const now = await label(here.page);
    return now !== first && now;
  });
  await here.page.reload();
  expect(await label(here.page)).toBe(second);
}, 60_000);
