import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { launchChromium } from "../testing/chromium.ts";
import { TcpProxy } from "../testing/faults/tcp-proxy.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { freePort } from "../testing/free-port.ts";
import { see } from "../testing/kiosk-driver.ts";
import { jsonLines, type Line, type Running, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice, type PtyDevice } from "../testing/pty.ts";
import { readPicture } from "../testing/read-picture.ts";
import { checkUp } from "../testing/station-checkup.ts";
import { until } from "../testing/until.ts";
import { connectToAgent } from "./agent-client.ts";

// The whole story in order, as on one morning: a new owner with a telephone, a new machine with a reader, a guard. Real
// programs, a real browser, a pseudo-terminal; nothing is made through the back.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ownerPhone = "0912345601";
const guardPhone = "0912345602";
const guardName = "Bảo vệ Lê Văn Thử";
const placeName = "Nhà máy Hoa Sữa";
const card = (index: number): string =>
  `079098${String(index).padStart(6, "0")}|024123456|ĐẶNG THỊ KIM THỬ|01011998|Nam|Số 1 Đường ABC|01012022`;
const maskedNumber = (index: number): string => `079•••••${String(index).padStart(4, "0")}`;

let folder: ReturnType<typeof temporaryFolder>;
let reader: PtyDevice;
let browser: Browser;
let central: Running;
let centralUrl: string;
/** The machine's way to the centre, which can be cut. */
let line: TcpProxy;
let agent: Running;
let phone: Page;
let kiosk: Page;
let placeId: string;
const refusals: string[] = [];
const desk = { width: 1280, height: 800 };

const dataDir = (): string => path.join(folder.path, "station");

beforeAll(async () => {
  folder = temporaryFolder();
  [reader, browser, line] = await Promise.all([createPtyDevice(), launchChromium(), TcpProxy.before()]);
  const database = `sqlite:${path.join(folder.path, "central.db")}`;
  central = startTram("central", "--json", "--port", "0", "--database", database, "--public-url", line.url);
  centralUrl = String((await central.line("ready")).url);
  line.leadTo(centralUrl);
  phone = await open({ width: 390, height: 844 });
});
afterAll(async () => {
  await browser?.close();
  await agent?.[Symbol.asyncDispose]();
  await central?.[Symbol.asyncDispose]();
  await line?.[Symbol.asyncDispose]();
  await reader?.[Symbol.asyncDispose]();
  folder?.[Symbol.dispose]();
});
afterEach(() => expect(refusals).toEqual([]));

async function open(viewport: { width: number; height: number }): Promise<Page> {
  const context = await browser.newContext({ viewport, acceptDownloads: true, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("pageerror", (error) => refusals.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML/.test(message.text())) refusals.push(message.text());
  });
  return page;
}

/** The code that the centre prints for this phone after `ask`. */
async function codeAfter(number: string, ask: () => Promise<unknown>): Promise<string> {
  const before = central.lines.length;
  await ask();
  const told = await until(`a code for ${number}`, () =>
    central.lines.slice(before).find((each) => each.event === "otp" && each.phone === number),
  );
  return String(told.code);
}

const button = (within: Page | Locator, name: string): Locator => within.getByRole("button", { name, exact: true });
const to = (section: string): Promise<unknown> => phone.goto(`${centralUrl}/pages/#/place/${placeId}/${section}`);
const scan = (payload: string): Promise<void> => reader.write(`${payload}\r\n`);
const journal = async (): Promise<Line[]> =>
  jsonLines((await runTram(["journal", "list", "--json", "--data", dataDir()])).out);

async function signIn(page: Page): Promise<void> {
  await page.getByLabel("Chủ điểm").first().check();
  await page.getByLabel("Số điện thoại").fill(ownerPhone);
  const code = await codeAfter(ownerPhone, () => button(page, "Gửi mã").click());
  await page.getByLabel(/Mã 6 số/).fill(code);
  await button(page, "Đăng nhập").click();
  await button(page, "Đăng xuất").waitFor();
}

/** Pictures for people to look at, where TRAM_SHOTS names a folder: a telephone's page also as on a desk. */
async function shoot(page: Page, name: string): Promise<void> {
  const shots = process.env.TRAM_SHOTS;
  if (!shots) return;
  const own = page.viewportSize() ?? desk;
  for (const size of own.width < desk.width ? [own, desk] : [own]) {
    await page.setViewportSize(size);
    await page.screenshot({ path: path.join(shots, `${name}-${size.width}.png`), animations: "disabled" });
  }
  await page.setViewportSize(own);
}

/** A file that a click downloads. */
async function downloaded(page: Page, click: () => Promise<unknown>): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return readFile(await download.path());
}

test("a new owner registers a place on a telephone", async () => {
  await phone.goto(`${centralUrl}/pages/`);
  await shoot(phone, "story-01-sign-in");
  await signIn(phone);
  await phone.getByRole("link", { name: "Đăng ký điểm" }).first().click();
  await phone.getByLabel("Tên điểm").fill(placeName);
  await phone.getByLabel("Loại điểm").selectOption("factory");
  await phone.getByLabel("Điện thoại liên hệ").fill("028 3822 1234");
  await phone.getByLabel("Xã, phường, đặc khu").first().fill("quy nhon");
  await phone.getByRole("listbox").getByRole("option").first().click();
  await phone.getByLabel("Số nhà, đường").fill("Số 12 đường Trần Phú");
  await phone.getByLabel("Tôi đã đọc và cam đoan").check();
  await shoot(phone, "story-02-register");
  await button(phone, "Đăng ký điểm").click();
  await phone.waitForURL(/#\/place\/[0-9a-f-]{36}/);
  placeId = /#\/place\/([0-9a-f-]{36})/.exec(phone.url())?.[1] ?? "";
  await see(phone, placeName);
  await shoot(phone, "story-03-place");
});

test("the poster is printed, and its code is genuine", async () => {
  await to("poster");
  await phone.getByLabel("Ảnh PNG").check();
  const png = await downloaded(phone, () => button(phone, "Tải mã QR").click());
  const text = Buffer.from(await readPicture(png)).toString("utf8");
  writeFileSync(path.join(folder.path, "poster.png"), png);
  const answer = await fetch(`${centralUrl}/v1/place-codes:check`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text }),
  });
  expect(await answer.json()).toMatchObject({ verdict: "genuine", place: { name: placeName } });
  await phone.getByLabel("PDF, để in").check();
  const pdf = await downloaded(phone, () => button(phone, "Tải mã QR").click());
  expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
  await shoot(phone, "story-04-poster");
});

test("the guard's phone is added", async () => {
  await to("staff");
  await button(phone, "Thêm nhân viên").click();
  const dialog = phone.getByRole("dialog");
  await dialog.getByLabel("Số điện thoại").fill("+84 912 345 602");
  await dialog.getByLabel("Họ tên hiển thị").fill(guardName);
  await dialog.getByRole("radio").first().check();
  await shoot(phone, "story-05-add-guard");
  await dialog.locator("button[type=submit]").click();
  await see(phone, `Đã thêm ${guardName}`);
  const close = dialog.getByRole("button", { name: "Đóng" });
  if (await close.count()) await close.first().click();
});

test("a machine is enrolled by the invitation that its reader scans, without typing at it", async () => {
  mkdirSync(dataDir(), { mode: 0o700 });
  const configFile = path.join(folder.path, "agent.json");
  const readers = [`serial:${reader.path}?direction=in&name=Cổng 1`];
  writeFileSync(configFile, JSON.stringify({ dataDir: dataDir(), readers, kioskPort: await freePort() }));
  agent = startTram("agent", "--no-supervisor", "--json", "--config", configFile);
  const ready = await agent.line("ready");
  kiosk = await open({ width: 1280, height: 800 });
  await kiosk.goto(String(ready.kiosk));
  await shoot(kiosk, "story-06-new-machine");

  // Before that nobody is recorded, and told so.
  await scan(card(9));
  await kiosk.locator(".stage[data-state=refused]").waitFor();
  await shoot(kiosk, "story-07-not-enrolled");
  expect(await journal()).toEqual([]);

  await to("devices");
  await button(phone, "Thêm máy").click();
  const symbol = phone.locator("svg.qr").first();
  await symbol.waitFor();
  await shoot(phone, "story-08-invitation");
  const invitation = Buffer.from(await readPicture(await symbol.screenshot())).toString("utf8");
  expect(invitation).toMatch(/^TQE1\./);
  await scan(invitation);
  const watching = await connectToAgent(dataDir());
  const shown = await watching.view(
    ({ enrolment }) =>
      enrolment.state === "waiting" ? { code: enrolment.userCode, fingerprint: enrolment.fingerprint } : undefined,
    30_000,
    "the code that its owner types",
  );
  watching.close();
  await shoot(kiosk, "story-09-waiting");
  expect(await button(kiosk, "Đăng nhập").count()).toBe(0);
  await phone.getByLabel("Mã trên màn hình máy").fill(shown.code);
  await button(phone, "Tìm máy").click();
  await see(phone, shown.fingerprint);
  await phone.getByLabel("Tên máy").fill("Cổng chính");
  await shoot(phone, "story-10-approve");
  await button(phone, "Giống – cho máy vào").click();
  await see(phone, "Đã duyệt Cổng chính");
  await button(kiosk, "Đăng nhập").waitFor({ timeout: 30_000 });
  await see(kiosk, placeName);
  await shoot(kiosk, "story-11-enrolled");
  await shoot(phone, "story-12-machines");

  // The secret of the invitation is nowhere but on the owner's screen.
  const secret = invitation.split(".").at(-1) ?? "";
  expect(agent.errors()).not.toContain(secret);
  expect(central.errors()).not.toContain(secret);
  expect(await journal()).toEqual([]);
});

test("the guard comes on duty by phone, a card is scanned, and the owner sees it live", async () => {
  await button(kiosk, "Đăng nhập").click();
  const touch = async (digits: string): Promise<void> => {
    for (const digit of digits) await button(kiosk, digit).click();
  };
  await touch(guardPhone);
  const code = await codeAfter(guardPhone, () => button(kiosk, "Gửi mã").click());
  await see(kiosk, "Mã 6 số đã gửi đến", ".panel");
  await touch(code);
  await button(kiosk, "Xác nhận mã").click();
  // A PIN may be chosen for the next time; this guard does not.
  const later = kiosk.getByRole("dialog").getByRole("button", { name: /Để sau|Bỏ qua|Không đặt/ });
  await until("on duty", async () => {
    if (await later.count()) await later.first().click();
    return (await kiosk.locator("body").innerText()).includes(guardName);
  });
  await shoot(kiosk, "story-13-on-duty");

  await to("live");
  await see(phone, "Trực tiếp");
  await scan(card(1));
  await see(kiosk, maskedNumber(1), ".stage[data-state=accepted]");
  await see(phone, maskedNumber(1), "main", 15_000);
  expect(await phone.locator("body").innerText()).not.toContain("KIM THỬ");
  await shoot(phone, "story-14-live");
  const wide = await open({ width: 1280, height: 800 });
  await wide.goto(`${centralUrl}/pages/#/place/${placeId}/live`);
  await signIn(wide);
  await see(wide, maskedNumber(1), "main");
  await shoot(wide, "story-15-live-wide");
  await wide.context().close();
});

test("a technician's look finds the station in order", async () => {
  const look = await until(
    "a good report",
    async () => {
      const seen = await checkUp(dataDir(), ["--config", path.join(folder.path, "agent.json")]);
      if (seen.found("fail").length > 0)
        throw new Error(
          seen
            .found("fail")
            .map((name) => seen.said(name))
            .join("; "),
        );
      return seen;
    },
    60_000,
  );
  expect(look.found("ok")).toEqual(expect.arrayContaining(["enrolment.machine", "network.centre", "duty.present"]));
});

test("guard and machine are revoked while it is offline with unsent rows: rows arrive, attributed, later ones wait", async () => {
  line.leadTo();
  await scan(card(2));
  await see(kiosk, maskedNumber(2), ".stage[data-state=accepted]");
  const [, mine] = await journal();
  expect(mine).toMatchObject({ state: "unsent" });

  await to("staff");
  await button(phone, `Bỏ quyền: ${guardName}`).click();
  await phone.getByRole("dialog").locator("button[type=submit]").click();
  await see(phone, `Đã bỏ quyền của ${guardName}`);
  await to("devices");
  await button(phone, "Thu quyền máy: Cổng chính").click();
  await phone.getByRole("dialog").locator("button[type=submit]").click();
  await see(phone, "Đã thu quyền");

  // The machine has not heard of it: it goes on, as it must.
  await scan(card(3));
  await see(kiosk, maskedNumber(3), ".stage[data-state=accepted]");
  line.leadTo(centralUrl);
  await until("everything is sent", async () => (await journal()).every(({ state }) => state === "stored"), 90_000);
  const rows = await journal();
  expect(rows.map(({ staffRef }) => staffRef)).toEqual([rows[0]?.staffRef, rows[0]?.staffRef, rows[0]?.staffRef]);

  await to("live");
  await see(phone, maskedNumber(2), "main");
  expect(await phone.locator("main").innerText()).not.toContain(maskedNumber(3));
  await to("held");
  await see(phone, maskedNumber(3), "main");
  expect(await phone.locator("main").innerText()).not.toContain(maskedNumber(2));
  await shoot(phone, "story-16-held");
  // It has heard of it now: nobody new is recorded, and the sentence says why.
  const watching = await connectToAgent(dataDir());
  await watching.view(({ enrolment }) => enrolment.state === "revoked" || undefined, 90_000, "that it was removed");
  watching.close();
  await scan(card(4));
  await kiosk.locator(".stage[data-state=refused]").waitFor();
  await shoot(kiosk, "story-17-revoked");
  expect(await journal()).toHaveLength(3);
});
