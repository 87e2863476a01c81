import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TokenReply } from "../../contract/people.ts";
import { Device, Rig } from "../../testing/central-rig.ts";
import { OwnerPages, signInOnPage } from "../../testing/owner-pages.ts";

let pages: OwnerPages;
let page: Page;
let rig: Rig;
let owner: TokenReply;
let checkpointId: string;
let device: Device;

beforeAll(async () => {
  pages = await OwnerPages.build();
}, 60_000);
afterAll(() => pages[Symbol.asyncDispose]());

beforeEach(async () => {
  rig = await Rig.start({ pagesDir: pages.folder });
  ({ owner, checkpointId } = await rig.checkpoint());
  device = new Device(checkpointId, rig.clock);
  page = await pages.open({ width: 1280, height: 800 });
});
afterEach(async () => {
  await page.context().close();
  await rig[Symbol.asyncDispose]();
  expect(pages.refusals.splice(0)).toEqual([]);
});

/** Signs a supervisor in through the page, at the place's live board. */
async function signIn(): Promise<void> {
  await rig.call("POST", `/v1/checkpoints/${checkpointId}/staff`, {
    body: { id: crypto.randomUUID(), phone: "0900000002", display_name: "Trần Thị Thử", role: "supervisor" },
    token: owner.access_token,
  });
  await signInOnPage(page, rig, "0900000002", { as: "Nhân viên", fragment: "#/live" });
  await page.locator(".connection.live").waitFor();
}

const upload = (...entries: unknown[]) => rig.upload(owner.access_token, device, entries);
const lines = (count: number) =>
  page.waitForFunction((wanted) => document.querySelectorAll(".line").length === wanted, count);

describe("the live board in Chromium", { timeout: 60_000 }, () => {
  test("shows masked scans as they arrive, in both languages", async () => {
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

  test("shows what is looked for: by direction, and by words without marks", async () => {
    await signIn();
    await upload(
      device.entry(),
      device.person("079099000002", "Lê Văn Giả", { reader_label: "Cổng phía đông" }),
      device.person("079099000003", "Đỗ Thị Giả", { direction: "out" }),
    );
    await lines(3);
    await page.getByLabel("Tìm trong danh sách").fill("cong phia dong");
    await lines(1);
    await page.getByLabel("Tìm trong danh sách").fill("");
    await page.getByLabel("Hướng").selectOption("out");
    await lines(1);
    await page.getByLabel("Tìm trong danh sách").fill("khong co ai");
    await page.getByText("Không có lượt nào hợp với bộ lọc").waitFor();
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
    await rig.start({ pagesDir: pages.folder, port });
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
