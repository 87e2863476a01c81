import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DutyView, KnownStaff, RecentEntry, ScreenState, StaffView } from "../agent/kiosk-port/view.ts";
import { launchChromium } from "../testing/chromium.ts";
import { strokesOf } from "../testing/key-strokes.ts";
import { buildKioskPage, calmView, passTime, type ScriptedKiosk, startScriptedKiosk } from "../testing/kiosk-page.ts";
import { openPageKeys } from "../testing/page-keys.ts";
import { weakContrasts } from "../testing/page-measures.ts";

// What people do at the page: sign in, answer, type, listen. Same rig as page.test.ts.

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
});

afterEach(async () => {
  await page.close();
  // An intent nobody expected is a fault of the page.
  expect(kiosk.untaken()).toEqual([]);
});

const nobody: DutyView = { state: "none", message: null };
const nobodyKnown: StaffView = { ...calmView.staff, onDuty: null, known: [] };
const phoneMasked = "091••••678";
const said = (text: string) => ({ vi: text, en: `${text} (en)` });
const person = { name: "N••••• V•• A", number: "079•••••0001" };

const ask = (scanId: string): ScreenState => ({
  state: "ask",
  scanId,
  lane: "Cổng 2",
  reason: "expired",
  direction: "out",
  person,
  title: said("Thẻ hết hạn"),
  next: said("Nhìn thẻ"),
});

const accepted = (scanId: string): ScreenState => ({
  state: "accepted",
  scanId,
  direction: "in",
  person,
  atMs: 0,
  lane: "Cổng 2",
  remarks: [],
});

async function open(): Promise<void> {
  await page.goto(kiosk.url);
  await page.locator(".stage[data-state=ready]").waitFor();
}

const see = (text: string, within = "body") => page.locator(within).getByText(text).first().waitFor();
/** The field takes keys: it has the focus once its listeners are there. */
const fieldReady = () => page.locator(".panel input:focus").waitFor();
const button = (name: string) => page.getByRole("button", { name, exact: true });

describe("sign-in", () => {
  test("asks for a phone number, then for the code, shows what the agent says, and closes on duty", async () => {
    kiosk.show({ duty: nobody, staff: nobodyKnown });
    await open();
    await see("Chưa có người trực");
    await button("Đăng nhập").click();
    await page.keyboard.type("0912 345 678", { delay: 120 });
    expect(await weakContrasts(page)).toEqual([]);
    await page.keyboard.press("Enter");
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-in", phone: "0912345678" });

    kiosk.show({ duty: { state: "sending", phoneMasked } });
    await see(`Đang gửi mã đến ${phoneMasked}…`);
    kiosk.show({ duty: { state: "code-sent", phoneMasked, resendAfterS: 60, message: null } });
    await see(`Mã 6 số đã gửi đến ${phoneMasked}.`);
    await page.keyboard.type("123456");
    await page.keyboard.press("Enter");
    expect(await kiosk.nextIntent()).toEqual({ kind: "verify", code: "123456" });

    kiosk.show({ duty: { state: "verifying", phoneMasked } });
    await see("Đang kiểm tra mã…");
    const message = said("Mã không đúng, còn 2 lần thử.");
    kiosk.show({ duty: { state: "code-sent", phoneMasked, resendAfterS: 50, message } });
    await see("Mã không đúng, còn 2 lần thử.", ".panel");
    await expect.poll(() => page.locator(".panel input").inputValue()).toBe("");

    kiosk.show({ duty: calmView.duty, staff: calmView.staff });
    await page.locator(".panel").waitFor({ state: "detached" });
    await see("Trực: N••••• T•• H•••");
  });

  test("works by touch alone, and complains before it sends half a number", async () => {
    kiosk.show({ duty: nobody, staff: nobodyKnown });
    await open();
    await button("Đăng nhập").click();
    for (const digit of "091234567") await button(digit).click();
    await button("Gửi mã").click();
    await see("Nhập số điện thoại 10 chữ số, bắt đầu bằng số 0.");
    await button("Xóa một số").click();
    for (const digit of "78") await button(digit).click();
    await button("Gửi mã").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-in", phone: "0912345678" });
  });

  test("counts down to another code, then lets one ask for it; cancel ends it", async () => {
    await page.clock.install();
    await open();
    kiosk.show({ duty: { state: "code-sent", phoneMasked, resendAfterS: 2, message: null }, staff: nobodyKnown });
    await button("Đăng nhập").click();
    expect(await button("Gửi lại mã sau 2 giây").isDisabled()).toBe(true);
    await page.clock.runFor(2_500);
    await button("Đổi số hoặc gửi lại mã").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "cancel-sign-in" });
    await button("Hủy").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "cancel-sign-in" });
  });

  test("an ended session is said, with the way back; signing out is in the staff panel", async () => {
    kiosk.show({
      duty: { state: "signed-in", name: null, phoneMasked, expired: true, pinChoice: null },
      staff: {
        ...calmView.staff,
        onDuty: { id: "a", name: null, phoneMasked, role: "scanner", sinceMs: 0, expired: true },
      },
    });
    await open();
    await see("Hết phiên – vẫn ghi, cần đăng nhập lại để gửi");
    await button("Đăng nhập lại").waitFor();
    await button("Nhân viên").click();
    await button("Đăng xuất").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-out" });
  });
});

describe("shift change", () => {
  const an: KnownStaff = { id: "staff-2", name: "Trần Thị An", phoneMasked: "090••••002", role: "scanner", pin: "set" };
  const binh: KnownStaff = { ...an, id: "staff-3", name: "Lê Văn Bình", pin: "locked" };
  const chi: KnownStaff = { ...an, id: "staff-4", name: "Phạm Thị Chi", pin: "none" };
  const shift: StaffView = { ...calmView.staff, known: [...calmView.staff.known, an, binh, chi] };
  const pin: Extract<DutyView, { state: "pin" }> = {
    state: "pin",
    staffId: an.id,
    name: an.name,
    phoneMasked: an.phoneMasked,
    checking: false,
    waitS: 0,
    message: null,
  };
  const anOnDuty: StaffView = { ...shift, onDuty: { ...an, sinceMs: 1, expired: false } };
  const signedIn: DutyView = { ...calmView.duty, name: an.name } as DutyView;

  test("a name and its PIN, typed or touched, never drawn; it closes when the other is on duty", async () => {
    kiosk.show({ staff: shift });
    await open();
    await button("Đổi ca").click();
    expect(await weakContrasts(page)).toEqual([]);
    await page.getByRole("button", { name: /Trần Thị An/ }).click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "take-over", staffId: "staff-2" });
    kiosk.show({ duty: pin });
    await see("PIN của Trần Thị An");
    await fieldReady();
    await see("Trực: N••••• T•• H•••", ".duty");
    for (const digit of "73") await button(digit).click();
    await page.keyboard.type("91", { delay: 120 });
    expect(await page.locator(".panel input").getAttribute("type")).toBe("password");
    expect(await page.locator(".panel").innerText()).not.toContain("7391");
    await page.keyboard.press("Enter");
    expect(await kiosk.nextIntent()).toEqual({ kind: "pin", pin: "7391" });
    kiosk.show({ duty: { ...pin, checking: true } });
    await see("Đang kiểm tra PIN…");
    kiosk.show({ duty: { ...pin, message: said("PIN không đúng; còn 4 lần thử") } });
    await see("PIN không đúng; còn 4 lần thử", ".panel");
    await expect.poll(() => page.locator(".panel input").inputValue()).toBe("");
    kiosk.show({ duty: signedIn, staff: anOnDuty });
    await page.locator(".panel").waitFor({ state: "detached" });
  });

  test("a locked PIN, or none, leads to the phone; a wait counts down and takes no digit", async () => {
    await page.clock.install();
    kiosk.show({ staff: shift });
    await open();
    await button("Đổi ca").click();
    await page.getByRole("button", { name: /Lê Văn Bình.*PIN bị khóa/ }).click();
    await see("Số điện thoại nhân viên", ".panel");
    await button("Quay lại danh sách tên").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "cancel-sign-in" });
    await page.getByRole("button", { name: /Phạm Thị Chi.*cần mã/ }).waitFor();
    kiosk.show({ duty: { ...pin, waitS: 3, message: said("Sai PIN nhiều lần") } });
    expect(await page.getByRole("button", { name: /Thử lại sau 3 giây/ }).isDisabled()).toBe(true);
    expect(await button("1").isDisabled()).toBe(true);
    await page.clock.runFor(3_500);
    await button("1").click();
    await button("Đóng").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "cancel-sign-in" });
  });

  for (const keyboard of [true, false]) {
    test(`a reader in keyboard mode types no PIN (${keyboard ? "taken as a scan" : "scans are not taken from keys"})`, async () => {
      kiosk.show({ staff: shift, capture: { ...calmView.capture, keyboard } });
      await open();
      await button("Đổi ca").click();
      kiosk.show({ duty: pin });
      await see("PIN của Trần Thị An");
      await fieldReady();
      const keys = await openPageKeys(page);
      const press = (text: string, paceMs: number) => keys.play(Array.from(text, strokesOf), paceMs);
      await press("079123456789||Nguyen Van A|01011990|Nam|So 1|20251231\n", 8);
      if (keyboard) expect(await kiosk.nextIntent()).toMatchObject({ kind: "captured", source: "keyboard" });
      // What a person types afterwards is a PIN again, and nothing of the card is before it.
      await page.waitForTimeout(600);
      await press("7391\n", 150);
      expect(await kiosk.nextIntent()).toEqual({ kind: "pin", pin: "7391" });
    });
  }

  test("after a code a PIN is chosen, typed twice, or put off; what is wrong with it begins anew", async () => {
    kiosk.show({ staff: shift, duty: { state: "code-sent", phoneMasked, resendAfterS: 0, message: null } });
    await open();
    await button("Đổi ca").click();
    const choice = (message: ReturnType<typeof said> | null) => ({ ...signedIn, pinChoice: { message } }) as DutyView;
    kiosk.show({ duty: choice(null), staff: anOnDuty });
    await see("Đặt PIN cho ca sau", ".panel");
    await fieldReady();
    await page.keyboard.type("7391", { delay: 120 });
    await page.keyboard.press("Enter");
    await see("Nhập lại PIN mới", ".panel");
    await fieldReady();
    await page.keyboard.type("7392", { delay: 120 });
    await page.keyboard.press("Enter");
    expect(await kiosk.nextIntent()).toEqual({ kind: "choose-pin", pin: "7391", again: "7392" });
    kiosk.show({ duty: choice(said("Hai lần nhập không giống nhau")) });
    await see("Hai lần nhập không giống nhau", ".panel");
    await see("PIN mới (4 đến 8 chữ số)", ".panel");
    await button("Để sau").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "cancel-sign-in" });
    kiosk.show({ duty: signedIn });
    await page.locator(".panel").waitFor({ state: "detached" });
  });

  test("who was put off duty is said; a scanner may test no reader and forget nobody", async () => {
    const notice = said("Trần Thị An không còn quyền quét ở điểm này");
    const may = { testReaders: false, sendRefusedAgain: false, forgetOthers: false, enrolAgain: false };
    kiosk.show({ staff: { ...shift, may, notice } });
    await open();
    await button("Nhân viên").click();
    await see(notice.vi, ".panel");
    expect(await page.getByRole("button", { name: /Kiểm tra đầu đọc|Xóa/ }).count()).toBe(0);
    await button("Thôi trực").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "go-off-duty" });
    kiosk.show({ staff: shift });
    await button("Xóa Trần Thị An khỏi máy này").click();
    await button("Chắc chắn xóa?").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-out", staffId: "staff-2" });
  });
});

test("what visitors are told of their data stands where they wait, the whole of it behind a touch", async () => {
  const vi = `Dòng một <b>đậm</b>.\n${"Dữ liệu được giữ kín. ".repeat(40)}Hết.`;
  kiosk.show({ notice: { version: 3, text: { vi, en: vi } } });
  await open();
  await see("Dòng một <b>đậm</b>.", ".data-notice");
  await button("Đọc toàn văn").click();
  await see("Bản 3", ".panel");
  expect((await page.locator(".panel").innerText()).trimEnd().endsWith("Hết.")).toBe(true);
  expect(await weakContrasts(page)).toEqual([]);
});

test("on the smallest landscape screen every key of the PIN pad is whole and large enough", async () => {
  await page.setViewportSize({ width: 800, height: 480 });
  await open();
  await button("Đổi ca").click();
  kiosk.show({
    duty: { state: "pin", staffId: "a", name: "Trần Thị An", phoneMasked, checking: false, waitS: 0, message: null },
  });
  await fieldReady();
  const panel = await page.locator(".panel").boundingBox();
  for (const key of await page.locator(".keypad button, .number-entry > button").all()) {
    const box = await key.boundingBox();
    const name = await key.innerText();
    expect(box?.width, name).toBeGreaterThanOrEqual(48);
    expect(box?.height, name).toBeGreaterThanOrEqual(name.length === 1 ? 48 : 40);
    expect((box?.y ?? 0) + (box?.height ?? 0), name).toBeLessThanOrEqual((panel?.y ?? 0) + (panel?.height ?? 0));
  }
});

test("the staff panel lists masked entries with what became of them, and closes when left alone", async () => {
  await page.clock.install();
  const entry = { atMs: Date.parse("2026-11-21T08:15:20+07:00"), direction: "out", person, codeKind: "cccd" } as const;
  const recent: RecentEntry[] = [
    { ...entry, entryId: "1", state: "unsent" },
    { ...entry, entryId: "2", state: "quarantined" },
  ];
  kiosk.show({ recent });
  await open();
  await button("Nhân viên").click();
  const rows = await page.locator(".recent li").allTextContents();
  expect(rows).toEqual([
    "08:15RaN••••• V•• A079•••••0001Chờ gửi",
    "08:15RaN••••• V•• A079•••••0001Bị từ chối, giữ lại",
  ]);
  await passTime(page, kiosk, 91_000);
  await page.locator(".panel").waitFor({ state: "detached" });
});

describe("a question", () => {
  test("is answered by its two buttons, once", async () => {
    await open();
    kiosk.show({ screen: ask("scan-1") });
    await button("Xác nhận").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "answer", scanId: "scan-1", accept: true });
    expect(await button("Xác nhận").isDisabled()).toBe(true);
    kiosk.show({ screen: ask("scan-2") });
    await button("Bỏ qua").click();
    expect(await kiosk.nextIntent()).toEqual({ kind: "answer", scanId: "scan-2", accept: false });
  });

  test("is not answered by whoever types: a keyboard reader ends its text with Enter", async () => {
    await open();
    await button("Nhân viên").click();
    await page.keyboard.press("Escape");
    await page.locator(".panel").waitFor({ state: "detached" });
    expect(await page.evaluate(() => document.activeElement?.className)).toBe("stage");
    kiosk.show({ screen: ask("scan-3") });
    await button("Xác nhận").waitFor();
    await page.keyboard.type("079123456789|Nguyễn Văn A");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Space");
    expect(await kiosk.nextIntent()).toMatchObject({ kind: "captured", source: "keyboard" });
    expect(await page.locator(".panel").count()).toBe(0);
    expect(await page.locator(".stage").getAttribute("data-state")).toBe("ask");
  });

  test("can be reached and answered by keyboard, in reading order, where no scan comes from it", async () => {
    kiosk.show({ capture: { ...calmView.capture, keyboard: false } });
    await open();
    kiosk.show({ screen: ask("scan-4") });
    await button("Xác nhận").waitFor();
    const order: (string | null)[] = [];
    for (let step = 0; step < 5; step += 1) {
      await page.keyboard.press("Tab");
      order.push(await page.evaluate(() => document.activeElement?.textContent ?? null));
    }
    expect(order).toEqual(["VI", "EN", "Xác nhận", "Bỏ qua", "Đổi ca"]);
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    expect(await kiosk.nextIntent()).toEqual({ kind: "answer", scanId: "scan-4", accept: false });
  });
});

test("a refused scan can be put away", async () => {
  await open();
  const screen = { state: "refused", scanId: "x", lane: "1", reason: "r", title: said("Mã lạ"), next: said("Quét") };
  kiosk.show({ screen: screen as ScreenState });
  await button("Quét mã khác").click();
  expect(await kiosk.nextIntent()).toEqual({ kind: "dismiss", scanId: "x" });
});

test("an outcome is announced at once, also the second of two equal ones, and beside an open panel", async () => {
  await open();
  await button("Nhân viên").click();
  const alert = page.locator("[role=alert]");
  kiosk.show({ screen: accepted("a") });
  await alert.getByText("Vào. Đã ghi nhận").waitFor();
  const first = await alert.locator("p").elementHandle();
  kiosk.show({ screen: accepted("b") });
  await page.waitForFunction((old) => !old?.isConnected, first);
  await alert.getByText("Vào. Đã ghi nhận").waitFor();
  expect(await page.locator(".panel").count()).toBe(1);
});

test("each outcome has its own sound, played once and only after the page may sound", async () => {
  await page.addInitScript(() => {
    const heard: number[] = [];
    Object.assign(window, { heard });
    window.OscillatorNode = class extends OscillatorNode {
      constructor(context: BaseAudioContext, options?: OscillatorOptions) {
        super(context, options);
        heard.push(options?.frequency ?? 0);
      }
    };
  });
  const heard = () => page.evaluate(() => (window as unknown as { heard: number[] }).heard.splice(0));
  const play = async (screen: ScreenState) => {
    kiosk.show({ screen });
    await page.locator(`.stage[data-state=${screen.state}]`).waitFor();
    await page.waitForTimeout(100);
    return await heard();
  };
  await open();
  await page.locator(".stage").click();
  await page.waitForTimeout(200);
  expect(await play(accepted("s1"))).toEqual([784, 1175]);
  expect(await play(accepted("s1"))).toEqual([]);
  const repeat = { state: "repeat", scanId: "s2", direction: "in", person, sinceMs: 0, lane: "1" } as const;
  expect(await play(repeat)).toEqual([587, 587]);
  const refused = {
    state: "refused",
    scanId: "s3",
    lane: "1",
    reason: "r",
    title: said("a"),
    next: said("b"),
  } as const;
  expect(await play(refused)).toEqual([196, 147]);
  expect(await play({ state: "ready" })).toEqual([]);
});
