import { mkdir } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ReaderTestView } from "../agent/kiosk-port/view.ts";
import { adviceFor } from "../drivers/reader-test/advice.ts";
import { type Finding, verdictOf } from "../drivers/reader-test/findings.ts";
import { qrPath } from "../drivers/reader-test/qr-picture.ts";
import { qrSymbol } from "../drivers/reader-test/qr-symbol.ts";
import { testCodes } from "../drivers/reader-test/test-codes.ts";
import { launchChromium } from "../testing/chromium.ts";
import { buildKioskPage, calmView, type ScriptedKiosk, startScriptedKiosk } from "../testing/kiosk-page.ts";
import { textsOutsideOfStage, weakContrasts } from "../testing/page-measures.ts";
import { readPicture } from "../testing/read-picture.ts";

// The guided reader test as staff see it. Same rig as page.test.ts.

let browser: Browser;
let kiosk: ScriptedKiosk;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
  kiosk = await startScriptedKiosk(await buildKioskPage());
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await kiosk?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  kiosk.show({ ...calmView });
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  await page.goto(kiosk.url);
  await page.locator(".stage[data-state=ready]").waitFor();
});

afterEach(async () => {
  await page.close();
  expect(kiosk.untaken()).toEqual([]);
});

const button = (name: string) => page.getByRole("button", { name, exact: true });
const see = (text: string, within = ".stage") => page.locator(within).getByText(text).first().waitFor();

async function testView(step: number, state: ReaderTestView["state"], findings: readonly Finding[] = []) {
  const code = testCodes[step - 1];
  if (code === undefined) throw new Error("no such step");
  return {
    readerId: "reader-1",
    readerName: "Cổng vào 1",
    state,
    step,
    steps: 3,
    codeBytes: code.bytes.length,
    symbol: state === "done" ? null : qrPath(await qrSymbol(code)),
    verdict: state === "waiting" ? null : verdictOf(findings),
    findings: findings.map(adviceFor),
  } satisfies ReaderTestView;
}

/** Screenshots in both usual sizes, when TRAM_SHOTS names a folder for them. */
async function shots(name: string): Promise<void> {
  const folder = process.env.TRAM_SHOTS;
  for (const [width, height] of [
    [1920, 1080],
    [1280, 800],
  ] as const) {
    await page.setViewportSize({ width, height });
    expect(await textsOutsideOfStage(page), `${name} at ${width}`).toEqual([]);
    if (!folder) continue;
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: `${folder}/reader-test-${name}-${width}.png` });
  }
}

test("staff open it at a reader; the panel gives way, the code is large, and a camera reads it from the screen", async () => {
  await button("Nhân viên").click();
  await button("Kiểm tra đầu đọc: Cổng vào 1").click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "reader-test-start", readerId: "reader-1" });
  await page.locator(".panel").waitFor({ state: "detached" });
  for (const [at, code] of testCodes.entries()) {
    kiosk.show({ readerTest: await testView(at + 1, "waiting") });
    await see(`Mã ${at + 1}/3 · đang chờ quét…`);
    const box = await page.locator(".test-symbol").boundingBox();
    // 9 cm at 60 pixels a centimetre: a screen of 10 inches with 1280 x 800.
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(540);
    const read = await readPicture(await page.screenshot());
    expect(Buffer.from(read).equals(code.bytes), code.id).toBe(true);
  }
  expect(await weakContrasts(page)).toEqual([]);
  await shots("waiting");
  for (const name of ["Xem kết quả", "Đóng"]) {
    expect((await button(name).boundingBox())?.height).toBeGreaterThanOrEqual(48);
  }
  await button("Xem kết quả").click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "reader-test-next" });
});

test("an exact code, a faulty one and the result each say what they are and what to do, in both languages", async () => {
  kiosk.show({ readerTest: await testView(1, "result") });
  await see("Mã 1/3 · đúng từng byte");
  await shots("exact");
  const findings: Finding[] = [
    { code: "input-method", detail: "Telex" },
    { code: "truncated", detail: "100" },
    { code: "no-terminator", detail: null },
  ];
  kiosk.show({ readerTest: await testView(2, "result", findings) });
  await see("Mã 2/3 · có lỗi");
  await see("Bộ gõ tiếng Việt làm sai mã");
  await see("Tắt UniKey/EVKey");
  expect(await weakContrasts(page)).toEqual([]);
  await shots("finding");
  await button("English").click();
  await see("Code 2 of 3 · something is wrong");
  await see("A Vietnamese typing tool changes the code");
  await shots("finding-en");
  await button("Tiếng Việt").click();
  kiosk.show({ readerTest: await testView(3, "done", findings) });
  await see("Kết quả · có lỗi");
  expect(await page.locator(".test-symbol").count()).toBe(0);
  expect(await page.locator(".readers .reader[data-state=ready]").count()).toBe(2);
  await shots("done");
  await button("Thử lại").click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "reader-test-start", readerId: "reader-1" });
  await button("Đóng").click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "reader-test-stop" });
  kiosk.show({ readerTest: null });
  await see("Mời quét mã");
});

test("visitors of the other readers are answered beside the test; a question takes the stage until it is answered", async () => {
  const readerTest = await testView(1, "waiting");
  const person = { name: "N••••• V•• A", number: "079•••••0001" };
  kiosk.show({
    readerTest,
    screen: { state: "accepted", scanId: "1", direction: "out", person, atMs: 0, lane: "Cổng ra 1", remarks: [] },
  });
  await see("Cổng ra 1: Ra. Đã ghi nhận");
  await see("Đang kiểm tra, chưa ghi nhận", ".readers");
  expect(await page.locator(".readers .reader[data-state=ready]").count()).toBe(1);
  expect(await page.locator(".test-symbol").count()).toBe(1);
  await page.locator("[role=alert]").getByText("Ra. Đã ghi nhận").waitFor();
  await shots("visitor");
  const said = { vi: "Nhìn thẻ", en: "Look" };
  kiosk.show({
    screen: {
      state: "ask",
      scanId: "2",
      lane: "Cổng ra 1",
      reason: "r",
      direction: "out",
      person,
      title: said,
      next: said,
    },
  });
  await button("Xác nhận").click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "answer", scanId: "2", accept: true });
  kiosk.show({ screen: { state: "ready" } });
  await see("Mã 1/3");
});

test("the staff panel tells when a reader was tested and what was found", async () => {
  kiosk.show({
    tested: [
      { readerId: "reader-1", atMs: Date.parse("2026-11-21T03:00:00Z"), verdict: "exact", findings: [] },
      {
        readerId: "reader-2",
        atMs: Date.parse("2026-11-20T18:00:00Z"),
        verdict: "faulty",
        findings: [
          { vi: "Mất chữ có dấu", en: "Vietnamese letters are lost" },
          { vi: "Đầu đọc thêm chữ vào đầu mã", en: "Text in front" },
        ],
      },
    ],
  });
  await button("Nhân viên").click();
  const doors = await page.locator(".test-door p").allTextContents();
  expect(doors).toEqual([
    "Đã kiểm tra 21/11/2026 · đầu đọc tốt, đúng từng byte",
    "Đã kiểm tra 21/11/2026 · có lỗi: Mất chữ có dấu, Đầu đọc thêm chữ vào đầu mã",
  ]);
  expect(await weakContrasts(page)).toEqual([]);
  await shots("panel");
});
