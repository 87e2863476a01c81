import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { enrolmentSentences } from "../agent/enrolment/sentences.ts";
import type { EnrolmentView } from "../agent/kiosk-port/view.ts";
import { qrPath } from "../drivers/reader-test/qr-picture.ts";
import { qrSymbol } from "../drivers/reader-test/qr-symbol.ts";
import { launchChromium } from "../testing/chromium.ts";
import { buildKioskPage, calmView, type ScriptedKiosk, startScriptedKiosk } from "../testing/kiosk-page.ts";
import { textsOutsideOfStage, weakContrasts } from "../testing/page-measures.ts";

// How a machine without a place looks to who stands before it, in a real Chromium with a scripted agent.

let browser: Browser;
let kiosk: ScriptedKiosk;
let page: Page;
let waiting: EnrolmentView;

const known = {
  fingerprint: "3F2A-91CC",
  centre: "tram-quet-ma.trung-tam-kiem-soat-benh-tat.example.vn",
  message: null,
  mayScanInvitation: true,
  records: false,
  ended: null,
};
const none: EnrolmentView = { ...known, state: "none" };
const denied: EnrolmentView = { ...none, message: enrolmentSentences.denied, ended: "denied" };
const removed: EnrolmentView = { ...known, state: "revoked", name: "Cổng 1", placeName: "Bệnh viện Mẫu" };

beforeAll(async () => {
  browser = await launchChromium();
  kiosk = await startScriptedKiosk(await buildKioskPage());
  const address = "https://tram-quet-ma.trung-tam-kiem-soat-benh-tat.example.vn/pages/#/enrol/WWWW-MMMM";
  waiting = {
    ...known,
    state: "waiting",
    userCode: "WWWW-MMMM",
    verificationUri: address,
    verificationUriComplete: address,
    placeName: "Trường Phổ thông dân tộc nội trú Trung học cơ sở và Trung học phổ thông số 2 huyện Mẫu Sơn",
    expiresInS: 600,
    message: enrolmentSentences.unreachable,
    symbol: qrPath(await qrSymbol({ bytes: Buffer.from(address, "utf8"), declaresUtf8: false })),
  };
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await kiosk?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  kiosk.comeUp();
  kiosk.show({ ...calmView, placeName: null, queue: { ...calmView.queue, online: false }, enrolment: none });
  page = await browser.newPage({ viewport: { width: 800, height: 480 }, reducedMotion: "reduce" });
  await page.goto(kiosk.url);
  await page.locator(".enrolment").waitFor();
});
afterEach(() => page.close());

const draw = async (enrolment: EnrolmentView, title: string): Promise<void> => {
  kiosk.show({ enrolment });
  await page.locator(".enrolment h2", { hasText: title }).waitFor();
};

describe.each([
  ["vi", ["Máy chưa được đăng ký", "Chờ chủ điểm duyệt máy này", "Máy này đã bị gỡ khỏi điểm"], "Chưa ghi nhận ai"],
  [
    "en",
    ["This machine is not enrolled", "Waiting for the owner's approval", "This machine was removed from its place"],
    "Recording nobody",
  ],
] as const)("in %s", (language, [notEnrolled, waits, isRemoved], nothing) => {
  test("every step is whole and readable on each screen, and nothing claims that somebody is recorded", async () => {
    await page.click(`.languages [lang=${language}]`);
    const steps = [
      [none, notEnrolled],
      [denied, notEnrolled],
      [{ ...known, state: "asking" }, notEnrolled],
      [waiting, waits],
      [removed, isRemoved],
    ] as const;
    for (const [width, height] of [
      [800, 480],
      [1280, 800],
      [1920, 1080],
      [600, 1024],
    ] as const) {
      await page.setViewportSize({ width, height });
      for (const [enrolment, title] of steps) {
        await draw(enrolment, title);
        const where = `${enrolment.state} ${width}`;
        expect(await textsOutsideOfStage(page), where).toEqual([]);
        expect(await weakContrasts(page), where).toEqual([]);
        expect(await page.locator(".header .badge").allTextContents(), where).toEqual([nothing]);
        expect(await page.locator(".unseen [role=status]").textContent(), where).toBe(title);
      }
    }
  });
});

test("the code, the key and the place are shown while the owner decides; a button gives up", async () => {
  await draw(waiting, "Chờ chủ điểm");
  const stage = page.locator(".stage");
  for (const text of ["WWWW-MMMM", known.fingerprint, known.centre, "Trường Phổ thông"]) {
    await stage.getByText(text).waitFor();
  }
  await page.getByRole("img", { name: "Mã QR tới trang duyệt máy" }).waitFor();
  await page.getByRole("button", { name: "Hủy đăng ký" }).click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "cancel-enrolment" });
});

test("a refusal is said with what to do, and a removed machine invites nobody to scan", async () => {
  await draw(denied, "Máy chưa được đăng ký");
  await page.locator(".stage").getByText("Chủ điểm đã từ chối máy này").waitFor();
  await page.getByRole("button", { name: "Lấy mã đăng ký" }).click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "enrol" });
  await draw({ ...none, centre: null }, "Máy chưa được đăng ký");
  expect(await page.getByRole("button", { name: "Lấy mã đăng ký" }).count()).toBe(0);
  await draw(removed, "Máy này đã bị gỡ khỏi điểm");
  await page.locator(".stage").getByText("Máy không ghi thêm lượt nào").waitFor();
  expect(await page.getByText("Mời quét mã").count()).toBe(0);
});

test("a machine that is enrolled, or records before that, is at its visitors' service", async () => {
  const { enrolment } = calmView;
  for (const each of [enrolment, { ...none, records: true }]) {
    kiosk.show({ enrolment: each });
    await page.locator(".stage").getByText("Mời quét mã").waitFor();
    await page.locator(".header").getByText("Mất mạng – vẫn ghi bình thường").waitFor();
  }
});
