import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SAMPLES } from "../../agent/codes/samples.ts";
import { refusals } from "../../agent/gate/sentences.ts";
import { defaultGatePolicy } from "../../agent/gate/verdict.ts";
import { Recorder } from "../../agent/journal/recorder.ts";
import { JournalStore } from "../../agent/journal/store.ts";
import type { KioskIntent } from "../../agent/kiosk-port/intent.ts";
import { kioskIntent } from "../../agent/kiosk-port/intent.ts";
import type { ScanOutcome } from "../../agent/kiosk-port/port.ts";
import type { DutyView, KioskView, ScreenState } from "../../agent/kiosk-port/view.ts";
import { Station } from "../../agent/station.ts";
import { launchChromium } from "../../testing/chromium.ts";
import { checkpointId, randomKeys } from "../../testing/drafts.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import {
  countRewritten,
  type Stroke,
  typed,
  typedByByte,
  typedOnLayout,
  typedThrough,
  vietnameseLayout,
} from "../../testing/key-strokes.ts";
import { buildKioskPage, calmView, type ScriptedKiosk, startScriptedKiosk } from "../../testing/kiosk-page.ts";
import { openPageKeys, type PageKeys } from "../../testing/page-keys.ts";
import { until } from "../../testing/until.ts";

// A reader in keyboard mode at the built page in a real Chromium; what the page sends is judged by the real station.

let browser: Browser;
let kiosk: ScriptedKiosk;
let page: Page;
let keys: PageKeys;

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
  page = await openPage();
  keys = await openPageKeys(page);
});

afterEach(async () => {
  // A key that did anything but make a scan: a click, a submitted form, a moved focus, an intent.
  expect(await page.evaluate(() => (window as unknown as { touched: string[] }).touched)).toEqual([]);
  await page.close();
  const untaken = kiosk.untaken();
  // Not the next test's.
  for (const _ of untaken) await kiosk.nextIntent();
  expect(untaken).toEqual([]);
});

/** A page that writes down every click and every submit that no pointer made. */
async function openPage(): Promise<Page> {
  const opened = await browser.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  await opened.addInitScript(() => {
    const touched: string[] = [];
    const unstopped: string[] = [];
    Object.assign(window, { touched, unstopped });
    const name = (event: Event) => `${event.type} ${(event.target as Element).outerHTML.slice(0, 80)}`;
    for (const type of ["click", "input", "submit"]) {
      const note = (event: Event) => {
        if (!(event instanceof PointerEvent && event.pointerType !== "")) touched.push(name(event));
      };
      document.addEventListener(type, note, { capture: true });
    }
    // Before every listener of the page, and looked at after all of them.
    for (const type of ["keydown", "keyup"]) {
      const look = (event: Event) =>
        setTimeout(() => event.defaultPrevented || unstopped.push(`${type} ${(event as KeyboardEvent).key}`));
      window.addEventListener(type, look, { capture: true });
    }
    for (const type of ["keydown", "keyup", "keypress"]) {
      document.addEventListener(
        type,
        (event) => unstopped.push(`${type} ${(event as KeyboardEvent).key} went on`),
        true,
      );
    }
  });
  await opened.goto(kiosk.url);
  await opened.locator(".stage[data-state=ready]").waitFor();
  return opened;
}

type Captured = Extract<KioskIntent, { kind: "captured" }>;

/** The next intent, which must be a scan from the keyboard that the agent's door lets in. */
async function captured(): Promise<Captured> {
  const intent = kioskIntent.parse(await kiosk.nextIntent());
  if (intent.kind !== "captured" || intent.source !== "keyboard")
    throw new Error(`unexpected: ${JSON.stringify(intent)}`);
  return intent;
}

const textOf = (intent: Captured): string => Buffer.from(intent.bytesB64, "base64").toString("utf8");

/** What the station makes of it; a new one each time, so that nobody is inside already. */
async function judge(intent: Captured): Promise<ScanOutcome> {
  using folder = temporaryFolder();
  const store = new JournalStore(path.join(folder.path, "journal.db"), randomKeys());
  const recorder = new Recorder(store);
  let outcome: ScanOutcome | null = null;
  const station = new Station({
    journal: {
      record: (request) => {
        const [answer] = recorder.takeAll([{ ...request, answerBeforeMs: Number.POSITIVE_INFINITY }]);
        return answer === undefined || "fault" in answer ? Promise.reject(answer?.fault) : Promise.resolve(answer);
      },
    },
    clock: { bootId: "boot-1", wallMs: () => Date.UTC(2026, 10, 21), monoMs: () => 0 },
    policy: () => defaultGatePolicy,
    checkpointId: () => checkpointId,
    placeState: () => "active",
    checkPlace: () => "unchecked",
    revoked: () => false,
    onInvitation: () => null,
    duty: () => ({ state: "signed-in", staffRef: "staff-1" }),
    clockOffset: () => null,
    noticeVersion: () => null,
    attended: () => true,
    showsInFull: () => false,
    onRecorded: () => {},
    onChange: () => {},
    onOutcome: (told) => {
      outcome = told;
    },
    log: () => {},
  });
  const scan = { aim: null, readerId: "page:keyboard", receivedMonoMs: 0, sequence: 1 };
  const bytes = Buffer.from(intent.bytesB64, "base64");
  await station.take(
    { ...scan, bytes, spoiled: intent.spoiled ?? null },
    { readerId: "page:keyboard", name: "Page", direction: "in" },
  );
  station.stop();
  store.close();
  if (outcome === null) throw new Error("every scan has an outcome");
  return outcome;
}

const CARD = SAMPLES.S1;
const PLAIN_CARD =
  "079098000001|024123456|NGUYEN VAN A|01011998|Nam|So 1 Duong ABC, Phuong 1, Quan 1, TP. Ho Chi Minh|01012022";

describe("a scan", () => {
  test.each([10, 50, 80, 100])(
    "at %i ms a key, with Enter before, after, both or missing, is sent as it is",
    async (paceMs) => {
      for (const [before, after] of [
        ["", "\n"],
        ["\n", ""],
        ["\n", "\n"],
        ["", ""],
        ["", "\t"],
      ]) {
        await keys.play(typed(`${before}${PLAIN_CARD}${after}`), paceMs);
        const intent = await captured();
        expect(textOf(intent)).toBe(PLAIN_CARD);
        expect(intent.spoiled).toBeUndefined();
        expect(await judge(intent)).toMatchObject({ verdict: "accept", kind: "cccd" });
      }
      for (const card of [SAMPLES.S5, SAMPLES.S6]) {
        await keys.play(typed(`${card}\n`), paceMs);
        const intent = await captured();
        expect(textOf(intent)).toBe(card);
        expect(await judge(intent)).toMatchObject({ verdict: "accept", kind: "bhyt" });
      }
    },
    60_000,
  );

  // Again when the machine itself paused: nothing but its own load can make keys of this test late.
  test("in real time, quick and slow, without Enter, is ended by silence", { timeout: 90_000, retry: 3 }, async () => {
    // Whatever is typed at once after the window came to the front is not believed to be whole.
    await page.waitForFunction(() => performance.now() > 2000);
    for (const paceMs of [10, 100]) {
      await keys.playLive(typed(PLAIN_CARD), paceMs);
      const intent = await captured();
      expect(intent.spoiled).toBeUndefined();
      expect(textOf(intent)).toBe(PLAIN_CARD);
    }
  });

  test("with Vietnamese letters is exact when the reader spells them with Alt", async () => {
    for (const characters of [typed(`${CARD}\n`), typedByByte(`${CARD}\n`)]) {
      await keys.play(characters, 10);
      const intent = await captured();
      expect(textOf(intent)).toBe(CARD);
      expect(await judge(intent)).toMatchObject({ verdict: "accept", kind: "cccd" });
    }
  });

  test("whose letters the reader dropped is sent as it came: the card is known, the losses are the recogniser's to tell", async () => {
    const dropped = Array.from(SAMPLES.S2)
      .filter((character) => character < "\u0080")
      .join("");
    await keys.play(typed(`${dropped}\n`), 10);
    const intent = await captured();
    expect(textOf(intent)).toBe(dropped);
    expect(await judge(intent)).toMatchObject({ verdict: "accept", kind: "cccd" });
  });

  test("on the Windows layout Vietnamese is read by its keys", async () => {
    await keys.play(typedOnLayout(`${PLAIN_CARD}\n`, vietnameseLayout), 10);
    expect(textOf(await captured())).toBe(PLAIN_CARD);
  });

  test("is read as the test of its reader taught, from the moment that is known", async () => {
    const learn = async (keyboardCalibration: KioskView["keyboardCalibration"], placeName: string) => {
      kiosk.show({ keyboardCalibration, placeName });
      await page.getByText(placeName).first().waitFor();
    };
    await learn({ gapMs: 150, layout: "us", prefix: "~~" }, "Cổng A");
    await keys.play(typed(`~~${PLAIN_CARD}\n`), 10);
    expect(textOf(await captured())).toBe(PLAIN_CARD);
    await learn({ gapMs: 150, layout: "system", prefix: "" }, "Cổng B");
    await keys.play(typedOnLayout(`${PLAIN_CARD}\n`, new Map([["KeyN", "Ñ"]])), 10);
    expect(textOf(await captured())).toBe(PLAIN_CARD.replace(/n/gi, "Ñ"));
    await learn({ gapMs: 400, layout: "us", prefix: "" }, "Cổng C");
    await keys.play(typed(`${PLAIN_CARD}\n`), 250);
    expect(textOf(await captured())).toBe(PLAIN_CARD);
  });

  test("of something short is rubbish and not sent", async () => {
    await keys.play(typed("12ab\n"), 10);
    await keys.play(typed("abc"), 10);
  });

  test("is bounded, and told to be too long", async () => {
    await keys.play(typed(`${"7".repeat(8300)}\n`), 1);
    const intent = await captured();
    expect(intent.spoiled).toBe("overflow");
    expect(await judge(intent)).toMatchObject({ verdict: "refuse", reason: "spoiled" });
  }, 60_000);

  test("that began before the window was in front is not whole, and the page says where the keys go", async () => {
    kiosk.show({ readers: [] });
    await page.evaluate(() => window.dispatchEvent(new FocusEvent("blur")));
    await page.getByText("Bàn phím đang thuộc cửa sổ khác").waitFor();
    await page.evaluate(() => window.dispatchEvent(new FocusEvent("focus")));
    await keys.playLive(typed("0000001|A|01011998|Nam|X|01012022\n"), 5);
    expect((await captured()).spoiled).toBe("gap");
    expect(await page.getByText("Bàn phím đang thuộc cửa sổ khác").count()).toBe(0);
  });
});

describe("a Vietnamese typing tool", () => {
  test.each([
    ["telex", "BHYT, 15 fields", SAMPLES.S5],
    ["vni", "BHYT, 15 fields", SAMPLES.S5],
    ["telex", "BHYT, 17 fields", SAMPLES.S6],
    ["vni", "BHYT, 17 fields", SAMPLES.S6],
    ["telex", "an ID card", PLAIN_CARD.replace("Duong", "Dduongw")],
  ] as const)(
    "(%s) on %s is refused at every pace, with what to do",
    async (tool, _what, card) => {
      const characters = typedThrough(tool, `${card}\n`);
      expect(countRewritten(characters)).toBeGreaterThan(0);
      for (const paceMs of [10, 50, 80, 100]) {
        await keys.play(characters, paceMs);
        const intent = await captured();
        expect(intent.spoiled).toBe("input-method");
        const { title, next } = refusals["input-method"];
        expect(await judge(intent)).toMatchObject({
          verdict: "refuse",
          reason: "input-method",
          sentence: { vi: `${title.vi}. ${next.vi}` },
        });
      }
    },
    60_000,
  );

  test("that is on but finds nothing to change does no harm: an ID card in VNI", async () => {
    const characters = typedThrough("vni", `${PLAIN_CARD}\n`);
    expect(countRewritten(characters)).toBe(0);
    await keys.play(characters, 10);
    expect(await judge(await captured())).toMatchObject({ verdict: "accept", kind: "cccd" });
  });

  test("whose text comes without keys is passed on when it proves nothing, and refused when it holds its letters", async () => {
    const packets = (text: string): Stroke[][] =>
      Array.from(text, (key) => [true, false].map((down) => ({ code: "", key, down, shift: false })));
    await keys.play([...packets(PLAIN_CARD), ...typed("\n")], 10);
    expect(await judge(await captured())).toMatchObject({ verdict: "accept", kind: "cccd" });
    await keys.play([...packets(CARD), ...typed("\n")], 10);
    expect(await judge(await captured())).toMatchObject({ verdict: "refuse", reason: "input-method" });
  });
});

describe("no key reaches a button", () => {
  const ask: ScreenState = {
    state: "ask",
    scanId: "scan-1",
    lane: "Cổng 2",
    reason: "expired",
    direction: "out",
    person: { name: null, number: null },
    title: { vi: "Hỏi", en: "Ask" },
    next: { vi: "Nhìn thẻ", en: "Look" },
  };
  const nobodyKnown = { ...calmView.staff, onDuty: null, known: [] };
  const nobody: DutyView = { state: "none", message: null };
  const button = (name: string) => page.getByRole("button", { name, exact: true });
  const focused = () => page.evaluate(() => document.activeElement?.outerHTML ?? "");
  const presses = () => [...typed("\n\t \n"), ...typed(`\n\t${PLAIN_CARD}\n`), ...typed("\n\n\t\t  ")];

  test("not a question's, not the language's, wherever the focus is", async () => {
    kiosk.show({ screen: ask });
    for (const name of ["Xác nhận", "Bỏ qua", "English", "Nhân viên"]) {
      await button(name).focus();
      const before = await focused();
      await keys.play(presses(), 20);
      expect(textOf(await captured())).toContain(PLAIN_CARD);
      expect(await focused()).toBe(before);
    }
    expect(await page.locator(".stage").getAttribute("data-state")).toBe("ask");
  });

  test("not the sign-in panel's: nothing is typed into the number, nothing is pressed, sent or closed", async () => {
    kiosk.show({ duty: nobody, staff: nobodyKnown });
    await button("Đăng nhập").click();
    await page.evaluate(() => (window as unknown as { touched: string[] }).touched.splice(0));
    const field = page.getByLabel("Số điện thoại nhân viên");
    for (const spot of [field, button("Gửi mã"), button("Đóng"), button("5")]) {
      await spot.focus();
      for (const paceMs of [10, 50, 80, 100]) {
        await keys.play(typed(`\n${PLAIN_CARD}\n`), paceMs);
        expect(textOf(await captured())).toBe(PLAIN_CARD);
      }
      expect(await field.inputValue()).toBe("");
      expect(await page.locator(".panel").count()).toBe(1);
    }
  }, 60_000);

  test("and a person still signs in with the keyboard: digits, Backspace, Enter, and Escape to leave", async () => {
    kiosk.show({ duty: nobody, staff: nobodyKnown });
    await button("Đăng nhập").click();
    const field = page.getByLabel("Số điện thoại nhân viên");
    await field.waitFor();
    const back: Stroke[] = [true, false].map((down) => ({ code: "Backspace", key: "Backspace", down, shift: false }));
    await keys.play([...typed("09a12 345 679"), back, ...typed("8")], 200);
    await until("the number is typed", async () => (await field.inputValue()) === "0912345678");
    await keys.play(typed("\n"), 200);
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-in", phone: "0912345678" });
    // Quickly, all of it in one go, and a scan between two digits.
    await keys.play([back, back, back], 200);
    await keys.play(typed(`${PLAIN_CARD}\n`), 10);
    expect(textOf(await captured())).toBe(PLAIN_CARD);
    await keys.play(typed("123\n"), 80);
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-in", phone: "0912345123" });
    await keys.play(Array<Stroke[]>(10).fill(back), 200);
    await keys.play(typed("0987 654 321\n"), 90);
    expect(await kiosk.nextIntent()).toEqual({ kind: "sign-in", phone: "0987654321" });
    await keys.play([[true, false].map((down) => ({ code: "Escape", key: "Escape", down, shift: false }))], 10);
    await page.locator(".panel").waitFor({ state: "detached" });
  });

  test("nor the browser: shortcuts and function keys do nothing", async () => {
    const held = (modifier: string, code: string, key: string): Stroke[] => [
      { code: `${modifier}Left`, key: modifier, down: true, shift: false },
      { code, key, down: true, shift: false },
      { code, key, down: false, shift: false },
      { code: `${modifier}Left`, key: modifier, down: false, shift: false },
    ];
    await keys.play([held("Control", "KeyP", "p"), held("Alt", "F4", "F4"), held("Control", "KeyR", "r")], 200);
    await keys.play(
      ["F1", "F5", "F11", "F12"].flatMap((key) =>
        [key, ""].map((code) => [true, false].map((down) => ({ code, key, down, shift: false }))),
      ),
      200,
    );
    await page.waitForFunction(() => new Promise((resolve) => setTimeout(() => resolve(true))));
    expect(await page.evaluate(() => (window as unknown as { unstopped: string[] }).unstopped)).toEqual([]);
  });
});

test("staff are told once how to leave keyboard mode, after it was used", async () => {
  await page.getByRole("button", { name: "Nhân viên", exact: true }).click();
  expect(await page.getByText("Nên chuyển sang cổng nối tiếp USB").count()).toBe(0);
  await keys.play(typed(`${PLAIN_CARD}\n`), 10);
  await captured();
  await page.locator(".panel").getByText("Nên chuyển sang cổng nối tiếp USB").waitFor();
});

test("a station that takes no scans from the keyboard leaves the keys alone: the control of all the above", async () => {
  kiosk.show({ capture: { ...calmView.capture, keyboard: false } });
  await page.getByRole("button", { name: "English", exact: true }).focus();
  await keys.play(typed(`${PLAIN_CARD}\n`), 10);
  await page.getByText("Scan your code").first().waitFor();
  const touched = await page.evaluate(() => (window as unknown as { touched: string[] }).touched.splice(0));
  expect(touched.length).toBeGreaterThan(0);
});
