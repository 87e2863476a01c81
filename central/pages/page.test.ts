import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../../contract/people.ts";
import { Device, Rig } from "../../testing/central-rig.ts";
import { launchChromium } from "../../testing/chromium.ts";
import { parts } from "../../vite.config.ts";

let folder: string;
let browser: Browser;
let page: Page;
let rig: Rig;
let owner: TokenReply;
let checkpointId: string;
let device: Device;
let refusals: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "central-pages-"));
  const { pages } = parts;
  await build({ ...pages, configFile: false, logLevel: "error", build: { ...pages?.build, outDir: folder } });
  browser = await launchChromium();
}, 60_000);
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  rig = await Rig.start({ pagesDir: folder });
  ({ owner, checkpointId } = await rig.checkpoint());
  device = new Device(checkpointId, rig.clock);
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  refusals = [];
  page.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML/.test(message.text())) refusals.push(message.text());
  });
  page.on("pageerror", (error) => refusals.push(String(error)));
});
afterEach(async () => {
  await page.close();
  await rig[Symbol.asyncDispose]();
  expect(refusals).toEqual([]);
});

/** Signs a second owner in through the page. */
async function signIn(): Promise<void> {
  await rig.call("POST", `/v1/checkpoints/${checkpointId}/staff`, {
    body: { id: crypto.randomUUID(), phone: "0900000002", display_name: "Trần Thị Thử", role: "supervisor" },
    token: owner.access_token,
  });
  await page.goto(`${rig.url}/pages/`);
  await page.getByLabel("Số điện thoại").fill("0900 000 002");
  await page.getByRole("button", { name: "Gửi mã" }).click();
  await page.getByLabel(/Mã 6 số/).fill(rig.codes.get("0900000002") ?? "");
  await page.getByRole("button", { name: "Đăng nhập" }).click();
  await page.locator(".connection.live").waitFor();
}

const upload = (...entries: unknown[]) => rig.upload(owner.access_token, device, entries);
const lines = (count: number) =>
  page.waitForFunction((wanted) => document.querySelectorAll(".line").length === wanted, count);

describe("the live page in Chromium", { timeout: 30_000 }, () => {
  test("signs in, shows masked scans as they arrive, in both languages", async () => {
    await signIn();
    expect(await page.locator("html").getAttribute("lang")).toBe("vi");
    await upload(device.entry(), device.person("079099000002", "Lê <img src=x onerror=alert(1)>Giả"));
    await lines(2);
    const text = await page.locator("body").textContent();
    expect(text).toContain("N••••• T•• Mẫu");
    expect(text).toContain("079•••••0001");
    expect(text).not.toContain("Nguyễn");
    expect(await page.locator(".lines img").count()).toBe(0);
    await page.waitForFunction(() => document.querySelector(".inside dd")?.textContent === "2");
    await page.getByRole("button", { name: "English" }).click();
    expect(await page.locator("html").getAttribute("lang")).toBe("en");
    expect(await page.locator("body").textContent()).toContain("Inside now");
  });

  test("says a wrong code plainly", async () => {
    await page.goto(`${rig.url}/pages/`);
    await page.getByLabel("Số điện thoại").fill("0900000003");
    await page.getByRole("button", { name: "Gửi mã" }).click();
    await page.getByLabel(/Mã 6 số/).fill(rig.codes.get("0900000003") === "000000" ? "000001" : "000000");
    await page.getByRole("button", { name: "Đăng nhập" }).click();
    await page.getByText("Mã chưa đúng. Còn 4 lần thử.").waitFor();
  });

  test("goes on by itself when the access token ends", async () => {
    await signIn();
    const refreshed = page.waitForResponse((response) => response.url().endsWith("/v1/auth/token"));
    rig.clock.advance(601_000);
    const renewed = await rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "refresh_token", refresh_token: owner.refresh_token },
    });
    await refreshed;
    await page.locator(".connection.live").waitFor();
    await rig.upload(renewed.body.access_token, device, [device.entry()]);
    await lines(1);
  });

  test("says that it lost the service, and catches up when it is back", async () => {
    await signIn();
    const port = Number(new URL(rig.url).port);
    await rig.stop();
    await page.locator(".connection.offline").waitFor();
    await rig.start({ pagesDir: folder, port });
    await upload(device.entry());
    await lines(1);
    await page.locator(".connection.live").waitFor();
  });

  test("clears the screen when the right ends, and keeps no token anywhere", async () => {
    await signIn();
    await upload(device.entry());
    await lines(1);
    const kept = await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]);
    expect(kept).toEqual([[], [], ""]);
    const { items } = (await rig.call("GET", `/v1/checkpoints/${checkpointId}/staff`, { token: owner.access_token }))
      .body;
    const grant = items.find(({ role }: { role: string }) => role === "supervisor");
    await rig.call("DELETE", `/v1/checkpoints/${checkpointId}/staff/${grant.staff_id}`, { token: owner.access_token });
    await page.locator(".connection.no-rights").waitFor();
    expect(await page.locator(".line").count()).toBe(0);
  });
});
