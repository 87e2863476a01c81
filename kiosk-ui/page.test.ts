import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refusals } from "../agent/gate/sentences.ts";
import type { ScreenState } from "../agent/kiosk-port/view.ts";
import { launchChromium } from "../testing/chromium.ts";
import { buildKioskPage, calmView, passTime, type ScriptedKiosk, startScriptedKiosk } from "../testing/kiosk-page.ts";
import { lookOfStage, rectangles, textsOutsideOfStage, weakContrasts } from "../testing/page-measures.ts";

// The built page in a real Chromium, under the content policy the agent must send, with a scripted agent behind it.

let browser: Browser;
let kiosk: ScriptedKiosk;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  browser = await launchChromium();
  kiosk = await startScriptedKiosk(await buildKioskPage());
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await kiosk?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  kiosk.comeUp();
  kiosk.answers = true;
  kiosk.show({ ...calmView });
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refused connection is logged by Chromium itself while the agent is away; anything else is ours.
    if (message.type() === "error" && !message.text().includes("WebSocket")) complaints.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

const person = { name: "N••••• T•• H•••• Đ•••", number: "079•••••0001" };
const atMs = Date.parse("2026-11-21T08:15:20+07:00");
const said = (text: string) => ({ vi: `${text} (vi)`, en: `${text} (en)` });

const accepted = {
  state: "accepted",
  scanId: "scan-in",
  direction: "in",
  person,
  atMs,
  lane: "Cổng 2",
  remarks: [said("Thẻ hết hạn")],
} as const satisfies ScreenState;

const ask = {
  state: "ask",
  scanId: "scan-ask",
  lane: "Cổng 2",
  reason: "expired",
  direction: "out",
  person,
  title: said("Hỏi"),
  next: said("Nhìn thẻ"),
} as const satisfies ScreenState;

const screens: readonly { screen: ScreenState; vi: readonly string[]; en: readonly string[] }[] = [
  { screen: { state: "starting" }, vi: ["Đang khởi động"], en: ["Starting"] },
  { screen: { state: "ready" }, vi: ["Mời quét mã"], en: ["Scan your code"] },
  {
    screen: accepted,
    vi: ["Đã ghi nhận", "Vào", person.name, person.number, "08:15:20", "Cổng 2", "Thẻ hết hạn (vi)"],
    en: ["Recorded", "In", person.name, person.number, "08:15:20", "Cổng 2", "Thẻ hết hạn (en)"],
  },
  {
    screen: { ...accepted, scanId: "scan-out", direction: "out", person: { name: null, number: null }, remarks: [] },
    vi: ["Ra", "Không đọc được tên"],
    en: ["Out", "Name not readable"],
  },
  {
    screen: { state: "repeat", scanId: "scan-r", direction: "in", person, sinceMs: atMs, lane: "Cổng 2" },
    vi: ["Đã vào rồi", "Đã ghi lúc 08:15"],
    en: ["Already in", "Recorded at 08:15"],
  },
  {
    screen: {
      state: "refused",
      scanId: "scan-x",
      lane: "Cổng 2",
      reason: "place-code",
      title: said("Mã địa điểm"),
      next: said("Quét thẻ"),
    },
    vi: ["Không ghi nhận", "Mã địa điểm (vi)", "Quét thẻ (vi)"],
    en: ["Not recorded", "Mã địa điểm (en)", "Quét thẻ (en)"],
  },
  { screen: ask, vi: ["Cần xác nhận", "Hỏi (vi)", "Xác nhận", "Bỏ qua"], en: ["Please confirm", "Hỏi (en)", "Skip"] },
  {
    screen: { state: "out-of-order", reason: "disk-full", title: said("Đầy đĩa"), next: said("Cổng bên") },
    vi: ["Tạm ngừng phục vụ", "Đầy đĩa (vi)", "Cổng bên (vi)"],
    en: ["Out of service", "Đầy đĩa (en)", "Cổng bên (en)"],
  },
];

async function open(): Promise<void> {
  await page.goto(kiosk.url);
  await state(calmView.screen.state);
}

const state = (name: string) => page.locator(`.stage[data-state="${name}"]`).waitFor();
const see = (text: string, within = "body") => page.locator(within).getByText(text).first().waitFor();
const stageText = () => page.locator(".stage").textContent();

describe.each(["vi", "en"] as const)("in %s", (language) => {
  test("every refusal the gate knows fits on the smallest screen and on the usual one, whole", async () => {
    await open();
    await page.click(`.languages [lang=${language}]`);
    for (const [width, height] of [
      [1280, 800],
      [800, 480],
    ] as const) {
      await page.setViewportSize({ width, height });
      for (const [reason, notice] of Object.entries(refusals)) {
        kiosk.show({ screen: { state: "refused", scanId: `scan-${reason}`, lane: "Cổng 2", reason, ...notice } });
        await see(notice.title[language], ".stage");
        await see(notice.next[language], ".stage");
        expect(await textsOutsideOfStage(page), `${reason} at ${width}x${height}`).toEqual([]);
      }
    }
  });

  test("every state is drawn with its words, its own outline and its own colour, without moving or cutting anything", async () => {
    await open();
    await page.click(`.languages [lang=${language}]`);
    const frames = new Set<string>();
    const shapes = new Set<string>();
    for (const each of screens) {
      kiosk.show({ screen: each.screen });
      await state(each.screen.state);
      for (const text of each[language]) await see(text, ".stage");
      expect(await textsOutsideOfStage(page)).toEqual([]);
      expect(await weakContrasts(page)).toEqual([]);
      frames.add(await rectangles(page));
      shapes.add(await lookOfStage(page));
    }
    expect(frames.size).toBe(1);
    // Both directions of "accepted" share colour and circle; their words and door arrows differ.
    expect(shapes.size).toBe(screens.length);
    expect(await page.getAttribute("html", "lang")).toBe(language);
  });
});

test("the chosen language survives a reload and is Vietnamese again for the next session", async () => {
  await open();
  await page.click(".languages [lang=en]");
  await see("Scan your code");
  await page.reload();
  await see("Scan your code");
  const next = await browser.newPage();
  await next.goto(kiosk.url);
  await next.getByText("Mời quét mã").first().waitFor();
  await next.close();
});

test("the token reaches the agent as a subprotocol and never in a path", async () => {
  await open();
  const token = new URL(kiosk.url).hash.slice(1);
  expect(kiosk.offeredProtocols.at(-1)?.split(/,\s*/)).toEqual(["tram.kiosk.1", `token.${token}`]);
  expect(kiosk.requestedPaths.filter((path) => path.includes(token))).toEqual([]);
});

test("a page without a token says so instead of waiting for ever", async () => {
  await page.goto(kiosk.url.replace(/#.*/, ""));
  await state("no-token");
  await see("Trang chưa được mở đúng cách");
});

test("hostile names are text: no element, no reordering, nothing hidden", async () => {
  await open();
  const hostile = '<script>document.title="taken"</script><img src=x onerror=alert(1)>\u202Eabc\u200B';
  kiosk.show({
    placeName: hostile,
    screen: { ...accepted, person: { name: hostile, number: hostile }, lane: hostile, remarks: [said(hostile)] },
    readers: [
      {
        id: "r",
        name: hostile,
        transport: "serial",
        direction: "in",
        state: "fault",
        message: said(hostile),
        advice: null,
      },
    ],
  });
  await state("accepted");
  await see("⟦U+202E⟧abc⟦U+200B⟧", ".stage");
  expect(await page.locator("#kiosk script, #kiosk img").count()).toBe(0);
  expect(await page.title()).toBe("Trạm QR");
  expect(await page.locator("body").textContent()).not.toMatch(/[\u202A-\u202E\u2066-\u2069\u200B-\u200F]/);
});

test("an older view is dropped", async () => {
  await open();
  kiosk.show({ inside: 50 });
  await see("Đang ở trong: 50");
  kiosk.sendRaw(JSON.stringify({ type: "view", view: { ...calmView, revision: 0, screen: accepted } }));
  await page.waitForTimeout(200);
  expect(await page.locator(".stage").getAttribute("data-state")).toBe("ready");
  await see("Đang ở trong: 50");
});

test("a message that is not one changes nothing", async () => {
  await open();
  for (const text of ["", "{", "null", '{"type":"view"}', '{"type":"outcome"}', "[1]"]) kiosk.sendRaw(text);
  kiosk.show({ inside: 52 });
  await see("Đang ở trong: 52");
});

test("no green outlives its agent: the page says that it is cut off, and comes back by itself", async () => {
  await open();
  kiosk.show({ screen: accepted });
  await state("accepted");
  kiosk.goDown();
  await state("lost");
  expect(await stageText()).toContain("Hiện không ghi nhận được");
  expect(await stageText()).not.toContain(person.name);
  expect(await page.locator("[role=alert]").textContent()).toContain("Hiện không ghi nhận được");
  kiosk.comeUp();
  // The restarted agent counts its revisions from the beginning; the page must not take that for an old view.
  kiosk.show({ screen: { state: "ready" } });
  await state("ready");
});

test("a green of an agent that stopped without closing is taken down within seconds, and the page comes back", async () => {
  await open();
  kiosk.show({ screen: accepted });
  await state("accepted");
  kiosk.freeze();
  const frozenAtMs = performance.now();
  await state("lost");
  expect(performance.now() - frozenAtMs).toBeLessThan(8_000);
  expect(await stageText()).not.toContain(person.name);
  expect(await weakContrasts(page)).toEqual([]);
  expect(await textsOutsideOfStage(page)).toEqual([]);
  kiosk.comeUp();
  kiosk.show({ screen: { state: "ready" } });
  await state("ready");
});

test("an agent that is heard and changes nothing stays on the screen", async () => {
  await page.clock.install();
  await open();
  kiosk.show({ screen: ask });
  await state("ask");
  await passTime(page, kiosk, 30_000);
  expect(await page.locator(".stage").getAttribute("data-state")).toBe("ask");
});

describe("a scan of the page", () => {
  const scan = async () => {
    await page.keyboard.type("079098000001|||01011998|Nam||01012022");
    await page.keyboard.press("Enter");
    return await kiosk.nextIntent();
  };

  test("that the agent answers is the agent's to show", async () => {
    await open();
    expect(await scan()).toMatchObject({ kind: "captured", correlationId: expect.any(String) });
    await page.waitForTimeout(2_500);
    expect(await page.locator(".stage").getAttribute("data-state")).toBe("ready");
  });

  test("that nobody answers is called not recorded, until the next one is answered", async () => {
    kiosk.answers = false;
    await open();
    await scan();
    await state("not-recorded");
    await see("Lượt này chưa được ghi", ".stage");
    expect(await page.locator("[role=alert]").textContent()).toContain("Lượt này chưa được ghi");
    expect(await weakContrasts(page)).toEqual([]);
    expect(await textsOutsideOfStage(page)).toEqual([]);
    kiosk.show({ screen: accepted });
    await state("accepted");
    kiosk.show({ screen: { state: "ready" } });
    await scan();
    await state("not-recorded");
    await state("ready");
  });

  test("while the agent is away is called not recorded at once, and again each time", async () => {
    await open();
    kiosk.goDown();
    await state("lost");
    for (let time = 0; time < 2; time++) {
      await page.keyboard.type("079098000001|||01011998|Nam||01012022");
      await page.keyboard.press("Enter");
      await state("not-recorded");
      await state("lost");
    }
    expect(kiosk.untaken()).toEqual([]);
  });

  test("in the reader's own test is no visitor's", async () => {
    kiosk.answers = false;
    const test = { readerId: "page:keyboard", readerName: "Bàn phím", state: "waiting", step: 1, steps: 3 } as const;
    kiosk.show({ readerTest: { ...test, codeBytes: 9, symbol: null, verdict: null, findings: [] } });
    await page.goto(kiosk.url);
    await state("test");
    await scan();
    await page.waitForTimeout(2_500);
    expect(await page.locator(".stage").getAttribute("data-state")).toBe("test");
  });
});

test("the offline badge counts on while the network is away, and what the service refused stays visible", async () => {
  await page.clock.install();
  await open();
  const message = said("Không tới được máy chủ");
  kiosk.show({ queue: { online: false, unsent: 12, oldestAgeS: 179, quarantined: 2, message } });
  await see("Mất mạng – đã ghi, chờ gửi: 12 (lâu nhất 2 phút)");
  await see("Bị máy chủ từ chối, giữ lại: 2");
  await see("Không tới được máy chủ (vi)");
  await page.clock.runFor(2_000);
  await see("Mất mạng – đã ghi, chờ gửi: 12 (lâu nhất 3 phút)");
  kiosk.show({ queue: calmView.queue });
  await see("Trực tuyến · đã gửi hết");
});

test("each reader shows its name, direction, state and what to do; one in trouble comes first", async () => {
  await open();
  const fault = {
    id: "r9",
    name: "Quầy 9",
    transport: "serial",
    direction: "auto",
    state: "fault",
    message: said("Cắm lại cáp"),
    advice: null,
  } as const;
  kiosk.show({ readers: [...calmView.readers, fault] });
  await see("Cắm lại cáp (vi)", ".readers");
  expect(await page.locator(".readers .reader").first().textContent()).toBe("Quầy 9Tự độngCó lỗi: Cắm lại cáp (vi)");
  expect(await page.locator(".readers .reader").count()).toBe(3);
});

test("a gate that does not open by itself comes first, with what to do; one that does takes no place", async () => {
  await open();
  const gate = { id: "g1", name: "Rào chắn 1", direction: "in", state: "ready", message: null } as const;
  const broken = { ...gate, id: "g2", name: "Rào chắn 2", state: "fault", message: said("Mở bằng tay") } as const;
  kiosk.show({ relays: [gate, broken] });
  await see("Mở bằng tay (vi)", ".readers");
  expect(await page.locator(".readers .reader").first().textContent()).toBe("Rào chắn 2Có lỗi: Mở bằng tay (vi)");
  kiosk.show({ relays: [gate] });
  await page.locator(".readers", { hasNotText: "Rào chắn" }).waitFor();
});

test("a reader that cannot be read is shown with the way out, before those that read; advice is in the staff panel", async () => {
  await open();
  const unusable = { id: "u1", name: "DS2208", title: said("Chế độ bàn phím"), next: said("Quét mã cài đặt") };
  const [first] = calmView.readers;
  if (first === undefined) throw new Error("no reader");
  kiosk.show({ readers: [{ ...first, advice: said("Nên đổi chế độ") }], unusable: [unusable] });
  await see("Quét mã cài đặt (vi)", ".readers");
  expect(await page.locator(".readers .reader").first().textContent()).toBe(
    "DS2208Chế độ bàn phím (vi). Quét mã cài đặt (vi)",
  );
  expect(await page.locator(".readers").textContent()).not.toContain("Nên đổi chế độ");
  expect(await weakContrasts(page)).toEqual([]);
  await page.click("text=Nhân viên");
  await see("Nên đổi chế độ (vi)", ".reader-list");
  await see("Quét mã cài đặt (vi)", ".reader-list");
  expect(await weakContrasts(page)).toEqual([]);
  kiosk.show({ readers: [], unusable: [] });
  await see("Chưa thấy đầu đọc nào", ".readers");
});
