import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newProofKey } from "../../contract/dpop.ts";
import { readInvitation } from "../../contract/invitation-code.ts";
import type { TokenReply } from "../../contract/people.ts";
import { Device, newCheckpoint, Rig } from "../../testing/central-rig.ts";
import { basicFaults, see, takeShots } from "../../testing/kiosk-driver.ts";
import { OwnerPages, signInOnPage } from "../../testing/owner-pages.ts";
import { weakContrasts } from "../../testing/page-measures.ts";
import { PolicyPlaces, visitor } from "../../testing/policy-places.ts";
import { readPicture } from "../../testing/read-picture.ts";
import { until } from "../../testing/until.ts";

const ownerPhone = "0900000001";
const guardPhone = "0900000002";

let pages: OwnerPages;
let page: Page;
let rig: Rig;
let owner: TokenReply;
let checkpointId: string;

beforeAll(async () => {
  pages = await OwnerPages.build();
}, 120_000);
afterAll(() => pages[Symbol.asyncDispose]());

beforeEach(async () => {
  rig = await Rig.start({ pagesDir: pages.folder });
  ({ owner, checkpointId } = await rig.checkpoint(ownerPhone));
  page = await pages.open();
});
afterEach(async () => {
  const kept = await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]);
  await page.context().close();
  await rig[Symbol.asyncDispose]();
  expect(kept).toEqual([[], [], ""]);
  expect(pages.refusals.splice(0)).toEqual([]);
  for (const address of pages.addresses.splice(0)) expect(decodeURIComponent(address)).not.toMatch(personal);
});

/** What must stand in no address: names, numbers and phones of these tests. */
const personal = /0900000|0910001|0912|079099|Chim|Thử|Mẫu|Giả/;

const place = (section = "") => `#/place/${checkpointId}${section === "" ? "" : `/${section}`}`;
const signIn = (fragment: string) => signInOnPage(page, rig, ownerPhone, { fragment });
/** As a link of the page would. */
const visit = (fragment: string) => page.evaluate((hash) => location.assign(hash), fragment);
const click = (name: string | RegExp) => page.getByRole("button", { name }).click();
/** The button in the dialog that stands before the page. */
const confirm = (name: string | RegExp) => page.getByRole("dialog").getByRole("button", { name }).click();
const asOwner = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  rig.call(method, path, { ...(body === undefined ? {} : { body }), token: owner.access_token, headers });

/** Nothing to find for a checker of accessibility, at a telephone's and a desk's width. */
async function looksRight(name: string): Promise<void> {
  await takeShots(page, `pages-${name}`);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    expect(await basicFaults(page), name).toEqual([]);
    expect(await weakContrasts(page), name).toEqual([]);
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(tooWide, `${name} at ${width}`).toBeLessThanOrEqual(0);
    expect(await smallTargets(page), `${name} at ${width}`).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
}

/** Targets a thumb misses: under 44 px high. A box within a label counts as its label. */
const smallTargets = (of: Page): Promise<string[]> =>
  of.evaluate(() =>
    Array.from(document.querySelectorAll<HTMLElement>("button, a[href], select, input, textarea, summary"))
      .map((element) =>
        element.matches("[type=radio], [type=checkbox]") ? (element.closest("label") ?? element) : element,
      )
      .filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 0 && height < 43.9 && getComputedStyle(element).display !== "inline";
      })
      .map((element) => element.outerHTML.slice(0, 80)),
  );

describe("the owner's pages in Chromium", { timeout: 120_000 }, () => {
  test("signing in: a pasted message, a wrong code, the wait to send again; a reload keeps the page", async () => {
    await page.goto(`${rig.url}/pages/${place("staff")}`);
    await page.getByLabel("Số điện thoại").fill("12345678901");
    await click("Gửi mã");
    await see(page, "Số điện thoại chưa đúng");
    await page.getByLabel("Số điện thoại").fill("+84 90 000 0001");
    await click("Gửi mã");
    await page.getByLabel(/Mã 6 số/).waitFor();
    await see(page, "Gửi lại sau");
    const code = rig.codes.get(ownerPhone) ?? "";
    await page.getByLabel(/Mã 6 số/).fill(code === "000000" ? "000001" : "000000");
    await click("Đăng nhập");
    await see(page, "Mã chưa đúng. Còn 4 lần thử.");
    await looksRight("sign-in-code");
    await page.getByLabel(/Mã 6 số/).fill(`Tram QR: ${code} la ma dang nhap`);
    await click("Đăng nhập");
    await see(page, "Thêm nhân viên");
    await page.reload();
    await page.getByLabel("Số điện thoại").waitFor();
    await signIn(place("staff"));
    await see(page, "Thêm nhân viên");
  });

  test("an expired code and too many wrong ones are said plainly", async () => {
    await page.goto(`${rig.url}/pages/`);
    await page.getByLabel("Số điện thoại").fill("0900000005");
    await click("Gửi mã");
    await page.getByLabel(/Mã 6 số/).fill("111111");
    rig.clock.advance(301_000);
    await click("Đăng nhập");
    await see(page, "Mã đã hết hạn");
    await click("Đổi số khác");
    await click("Gửi mã");
    await page.getByLabel(/Mã 6 số/).waitFor();
    const wrong = rig.codes.get("0900000005") === "222222" ? "333333" : "222222";
    for (let tries = 0; tries < 5; tries += 1) {
      await page.getByLabel(/Mã 6 số/).fill(wrong);
      const answered = page.waitForResponse((response) => response.url().endsWith("otp:verify"));
      await click("Đăng nhập");
      await answered;
    }
    await page.getByLabel(/Mã 6 số/).fill(wrong);
    await click("Đăng nhập");
    await page.getByText(/Sai mã quá nhiều lần|Mã đã hết hạn/).waitFor();
  });

  test("a place is registered, with what is wrong said at its field, and a part of it", async () => {
    await signIn("#/register");
    await page.getByLabel(/cam đoan/).check();
    await click("Đăng ký điểm");
    await see(page, "Ghi tên điểm");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-invalid"))).toBe("true");
    await looksRight("register-faults");
    await page.getByLabel("Tên điểm").fill("Phở ngon <b>Ễ Ậ Ữ</b> 🍜");
    await page.getByLabel("Loại điểm").selectOption("restaurant");
    await page.getByLabel("Điện thoại liên hệ").fill("12");
    const unit = page.getByRole("combobox", { name: "Xã, phường" });
    await unit.fill("quy nhon gia lai");
    await page.locator(".found [role=option]").first().waitFor();
    await unit.press("ArrowDown");
    await unit.press("ArrowUp");
    await unit.press("Enter");
    expect(await unit.inputValue()).toBe("Phường Quy Nhơn, Tỉnh Gia Lai");
    await page.getByLabel("Số nhà").fill("12 Phố Ẩm Thực");
    await click("Đăng ký điểm");
    await see(page, "Số điện thoại chưa đúng");
    expect(await page.getByText("Ghi tên điểm").count()).toBe(0);
    await page.getByLabel("Điện thoại liên hệ").fill("(0256) 382-2184");
    await click("Đăng ký điểm");
    await see(page, "Tình trạng của điểm");
    await see(page, "12 Phố Ẩm Thực, Phường Quy Nhơn, Tỉnh Gia Lai");
    expect(await page.locator("main b").count()).toBe(0);
    await looksRight("overview");
    await page.getByRole("link", { name: "Thêm tầng, khoa, làn, xe" }).click();
    await page.getByLabel("Tên phần").fill("Tầng 2");
    await page.getByLabel("Tên điểm").fill("Tầng hai");
    await page.getByLabel(/cam đoan/).check();
    await click("Đăng ký điểm");
    await see(page, "Thuộc điểm");
    await page.locator("a.brand").click();
    await see(page, "Điểm của tôi");
    expect(await page.locator(".places .places a").count()).toBe(1);
    await looksRight("places");
  });

  test("a place that looks like another is asked about first; a former unit leads to today's", async () => {
    await signIn("#/register");
    for (const confirmed of [false, true]) {
      if (confirmed) await visit("#/register");
      await page.getByLabel("Tên điểm").fill("Quán Thử Nghiệm");
      await page.getByLabel("Loại điểm").selectOption("restaurant");
      await page.getByLabel("Điện thoại liên hệ").fill("0912345678");
      await page.getByRole("combobox", { name: "Xã, phường" }).fill("phường đống đa thành phố quy nhơn");
      await page.getByText("trước đây: Phường Đống Đa, Thành phố Quy Nhơn, Tỉnh Bình Định").first().click();
      await page.getByLabel("Số nhà").fill("1 Phố Thử");
      await page.getByLabel(/cam đoan/).check();
      await click("Đăng ký điểm");
      if (!confirmed) await see(page, "Tình trạng của điểm");
    }
    await see(page, "Điểm này có vẻ đã được đăng ký");
    await see(page, "Quán Thử Nghiệm", "dialog");
    await confirm("Đúng, là điểm khác");
    await see(page, "Tình trạng của điểm");
  });

  test("two owners edit at once: both versions are shown, and I choose", async () => {
    await signIn(place("edit"));
    await page.getByLabel("Tên điểm").fill("Tên của tôi");
    const { body, headers } = await asOwner("GET", `/v1/checkpoints/${checkpointId}`);
    const other = { name: "Tên của người kia", address: { ...body.address, line: "99 Phố Khác" } };
    const changed = await asOwner("PATCH", `/v1/checkpoints/${checkpointId}`, other, {
      "if-match": headers.get("etag") ?? "",
    });
    expect(changed.status).toBe(200);
    await click("Lưu");
    await see(page, "Người khác vừa sửa điểm này");
    await see(page, "Tên của người kia", "table");
    await see(page, "Tên của tôi", "table");
    expect(await page.getByLabel("Số nhà").inputValue()).toBe("99 Phố Khác");
    await looksRight("edit-conflict");
    await click("Lưu của tôi");
    await see(page, "Đã lưu.");
    const after = (await asOwner("GET", `/v1/checkpoints/${checkpointId}`)).body;
    expect([after.name, after.address.line]).toEqual(["Tên của tôi", "99 Phố Khác"]);
  });

  test("settings: notice with its version, retention, legal basis, what becomes of late scans", async () => {
    await signIn(place("settings"));
    await see(page, "Phiên bản 1");
    await page.getByLabel("Tiếng Việt", { exact: true }).last().fill("Thông báo mới cho khách");
    await page.getByLabel("Giữ dữ liệu trong").fill("400");
    await page.getByLabel("Lượt quét sau khi thu quyền").selectOption("refuse");
    await click("Lưu");
    await see(page, "Từ 1 đến 365 ngày.");
    await page.getByLabel("Giữ dữ liệu trong").fill("14");
    await click("Lưu");
    await see(page, "Đã lưu.");
    await see(page, "Phiên bản 2");
    const after = (await asOwner("GET", `/v1/checkpoints/${checkpointId}`)).body;
    expect(after).toMatchObject({ retention_days: 14, notice: { version: 2 }, policy: { late_scans: "refuse" } });
    await looksRight("settings");
  });

  test("suspend, resume, merge and close", async () => {
    const other = randomUUID();
    await asOwner("POST", "/v1/checkpoints", { ...newCheckpoint(other), name: "Điểm khác hẳn" });
    await signIn("#/");
    await page.getByRole("link", { name: "Cổng thử nghiệm" }).click();
    await click("Tạm dừng điểm");
    await page.getByLabel("Lý do").fill("Sửa cổng");
    await confirm("Tạm dừng điểm");
    await see(page, "Lý do: Sửa cổng");
    await looksRight("suspended");
    await click("Hoạt động lại");
    await page.getByLabel("Lý do").fill("Xong");
    await confirm("Hoạt động lại");
    await see(page, "Tạm dừng điểm");
    await click("Gộp vào điểm khác");
    await page.getByLabel("Lý do").fill("Một cổng thôi");
    await confirm("Gộp vào điểm khác");
    await page.getByRole("link", { name: "Điểm thay thế" }).click();
    await see(page, "Điểm khác hẳn");
    await click("Đóng điểm");
    await page.getByLabel("Lý do").fill("Hết hoạt động");
    await confirm("Đóng điểm");
    await see(page, "Đã đóng");
    expect(await page.getByRole("button", { name: "Tạm dừng điểm" }).count()).toBe(0);
  });

  test("the poster is downloaded as PDF and PNG, and its code is issued anew", async () => {
    await signIn(place("poster"));
    await see(page, "Mã số 1");
    for (const [name, begin] of [
      ["PDF, để in", "%PDF"],
      ["Ảnh PNG", "\u0089PNG"],
    ] as const) {
      await page.getByLabel(name).check();
      const arriving = page.waitForEvent("download");
      await click("Tải mã QR");
      const file = await readFile(await (await arriving).path());
      expect(file.subarray(0, 4).toString("latin1")).toBe(begin);
      await see(page, "Đã tải");
    }
    await looksRight("poster");
    await click("Cấp mã mới");
    await page.getByLabel("Lý do").fill("Tờ cũ bị mất");
    await confirm("Cấp mã mới");
    await see(page, "Mã số 2");
  });

  test("staff: added, there already, changed against another's change, and never called removed before it is", async () => {
    await signIn(place("staff"));
    for (const again of [false, true]) {
      await click("Thêm nhân viên");
      await page.getByRole("dialog").getByLabel("Số điện thoại").fill("0900 000 002");
      await page.getByLabel("Họ tên hiển thị").fill("Trần Thị Thử");
      if (!again) await looksRight("add-staff");
      await confirm("Thêm nhân viên");
      if (!again) await see(page, "Đã thêm Trần Thị Thử.");
    }
    await see(page, "Số này đã là nhân viên của điểm.");
    await click("Sửa quyền của người này");
    const path = `/v1/checkpoints/${checkpointId}/staff`;
    const { items } = (await asOwner("GET", path)).body;
    const guard = items.find(({ role }: { role: string }) => role === "scanner");
    await asOwner("PATCH", `${path}/${guard.staff_id}`, { role: "supervisor" }, { "if-match": `"${guard.version}"` });
    await page
      .getByRole("dialog")
      .getByLabel(/Hết quyền sau ngày/)
      .fill("2030-01-31");
    await confirm("Lưu");
    await see(page, "Hiện tại: Giám sát", "dialog");
    await confirm("Lưu");
    await see(page, "đến hết 31/01/2030");
    await page.route("**/staff/*", (route) =>
      route.request().method() === "DELETE" ? route.abort() : route.continue(),
    );
    await click("Bỏ quyền: Trần Thị Thử");
    await confirm("Bỏ quyền");
    await see(page, "CHƯA bỏ được quyền của Trần Thị Thử");
    expect((await asOwner("GET", path)).body.items).toHaveLength(2);
    await looksRight("staff-not-removed");
    await page.unroute("**/staff/*");
    await see(page, "Đã bỏ quyền của Trần Thị Thử.", "body", 60_000);
    expect((await asOwner("GET", path)).body.items).toHaveLength(1);
    await click(/^Bỏ quyền/);
    await confirm("Bỏ quyền");
    await see(page, "Đây là chủ điểm cuối cùng.");
  });

  test("a machine comes in by a code its reader scans and a comparison; it is renamed against another's change, and revoked", async () => {
    const machine = await newProofKey();
    const deviceId = randomUUID();
    await signIn(place("devices"));
    await see(page, "Chưa có máy nào");
    await click("Thêm máy");
    const drawn = page.locator("svg.qr");
    await drawn.waitFor();
    await looksRight("invitation");
    const invitation = readInvitation(Buffer.from(await readPicture(await drawn.screenshot())).toString("utf8"));
    if (invitation === null || invitation === "damaged") throw new Error("The picture is no invitation.");
    expect(invitation.base).toBe(rig.url);
    const ask = (secret?: string) =>
      rig.call("POST", "/v1/devices:enrol", {
        body: {
          device_id: deviceId,
          public_key: machine.publicJwk,
          model: "Mini PC",
          app_version: "0.1.0",
          os: "Debian 13",
          ...(secret === undefined ? {} : { invitation: secret }),
        },
        key: machine,
      });
    const asked = (await ask(invitation.secret)).body;
    const code = page.getByLabel("Mã trên màn hình máy");
    await code.fill("BBBB-BBBB");
    await click("Tìm máy");
    await see(page, "Mã này không đúng hoặc đã hết hạn.");
    await code.fill(asked.user_code.toLowerCase());
    await click("Tìm máy");
    await see(page, asked.key_fingerprint);
    await see(page, "Mini PC");
    await looksRight("approve-device");
    await page.getByLabel("Tên máy").fill("Quầy lễ tân");
    await click("Giống – cho máy vào");
    await see(page, "Đã duyệt Quầy lễ tân.");
    await see(page, "Chưa báo tình trạng lần nào");
    const devices = async () => (await asOwner("GET", `/v1/checkpoints/${checkpointId}/devices`)).body.items;
    const [device] = await devices();
    await click("Đổi tên: Quầy lễ tân");
    await asOwner(
      "PATCH",
      `/v1/devices/${deviceId}`,
      { name: "Tên người kia đặt" },
      { "if-match": `"${device.version}"` },
    );
    await page.getByLabel("Tên máy").fill("Cổng phía Đông");
    await confirm("Lưu");
    await see(page, "Hiện tại: Tên người kia đặt", "dialog");
    await confirm("Lưu");
    await see(page, "Đã đổi tên.");
    expect((await devices())[0].name).toBe("Cổng phía Đông");
    await page.getByText("Chi tiết").click();
    await looksRight("devices");
    await click("Thu quyền máy: Cổng phía Đông");
    await confirm("Thu quyền máy");
    await see(page, "Đã thu quyền lúc");
    expect((await devices())[0].state).toBe("revoked");
  });

  test("the address a waiting machine shows leads to it, and it can be refused", async () => {
    const machine = await newProofKey();
    const body = {
      device_id: randomUUID(),
      public_key: machine.publicJwk,
      model: "PC",
      app_version: "0.1.0",
      os: "Debian",
    };
    const asked = (await rig.call("POST", "/v1/devices:enrol", { body, key: machine })).body;
    await signIn(new URL(asked.verification_uri_complete).hash);
    await see(page, asked.key_fingerprint);
    await looksRight("enrol");
    await click("Từ chối máy");
    await see(page, "Đã từ chối máy.");
    const poll = await rig.call("POST", "/v1/devices:token", {
      body: { device_code: asked.device_code },
      key: machine,
    });
    expect(poll.body.type).toMatch(/access_denied$/);
  });

  test("people are seen in full only with the right and a purpose, and the look stands in the access log", async () => {
    const hospital = await new PolicyPlaces(rig).placeOf({ kind: "hospital", kindStatus: "approved" });
    const at = (section: string) => `#/place/${hospital.checkpointId}/${section}`;
    const lookInFull = async () => {
      await click("Xem đầy đủ");
      await page.getByLabel("Mục đích").selectOption("contact_tracing");
      await confirm("Xem đầy đủ");
    };
    await signInOnPage(page, rig, hospital.phone, { fragment: at("live") });
    await page.locator(".line").waitFor();
    expect(await page.locator("main").innerText()).not.toContain(visitor.fullName);
    await lookInFull();
    await see(page, "Chủ điểm chưa cấp cho số này quyền xem đầy đủ.");
    expect(await page.locator("main").innerText()).not.toContain(visitor.fullName);
    await visit(at("staff"));
    await click(/^Sửa quyền/);
    await page.getByLabel("Được xem thông tin đầy đủ").check();
    await confirm("Lưu");
    await until("the dialog is gone", async () => (await page.getByRole("dialog").count()) === 0);
    await visit(at("live"));
    await page.locator(".line").waitFor();
    await lookInFull();
    await see(page, visitor.fullName);
    await see(page, "Đang xem đầy đủ – mục đích: Truy vết tiếp xúc");
    await looksRight("full-view");
    await click("Che lại");
    await until("masked again", async () => {
      const shown = await page.locator("main").innerText();
      return shown.includes("H••••") && !shown.includes(visitor.fullName);
    });
    await visit(at("access"));
    await see(page, "Truy vết tiếp xúc");
  });

  test("held scans are accepted and discarded with a reason", async () => {
    const { tokens, staffId } = await rig.staff(owner, checkpointId, guardPhone);
    rig.clock.advance(60_000);
    await asOwner("DELETE", `/v1/checkpoints/${checkpointId}/staff/${staffId}`);
    rig.clock.advance(60_000);
    const device = new Device(checkpointId, rig.clock);
    const by = { staff_ref: tokens.person.ref };
    const scans = ["079099000011", "079099000012"].map((number) => device.person(number, "Lê Văn Giả", by));
    await rig.upload(owner.access_token, device, scans);
    await signIn(place("held"));
    await see(page, "Còn 2 lượt chờ duyệt");
    await see(page, "người quét: Trần Thị Thử");
    expect(await page.locator("main").innerText()).not.toContain("Lê Văn");
    await looksRight("held");
    for (const [verb, left] of [
      ["Nhận 1 lượt", "Còn 1 lượt chờ duyệt"],
      ["Loại 1 lượt", "Không có lượt nào chờ duyệt"],
    ] as const) {
      await page.locator("main .rows input").nth(1).check();
      await click(verb);
      await page.getByLabel("Lý do").fill("Khách có thật");
      await confirm(verb);
      await see(page, left);
    }
  });

  test("an export is downloaded; a wrong period is said at its field", async () => {
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(owner.access_token, device, [device.entry()]);
    await signIn(place("exports"));
    await page.getByLabel("Từ ngày").fill("2026-03-05");
    await page.getByLabel("Đến hết ngày").fill("2026-03-01");
    await click("Xuất tệp");
    await see(page, "Ngày cuối phải sau ngày đầu");
    await page.getByLabel("Từ ngày").fill("2026-03-01");
    await page.getByLabel("Đến hết ngày").fill("2026-03-02");
    await looksRight("exports");
    for (const format of ["CSV", "Excel (XLSX)", "JSON"]) {
      await page.getByLabel(format, { exact: true }).check();
      const arriving = page.waitForEvent("download");
      await click("Xuất tệp");
      const file = await readFile(await (await arriving).path());
      expect(file.length).toBeGreaterThan(50);
      if (format === "CSV") {
        expect(file.toString("utf8")).toContain("079•••••0001");
        expect(file.toString("utf8")).not.toContain("Nguyễn");
      }
      await see(page, "Đã tải");
    }
  });

  test("the access log tells who did what", async () => {
    await rig.staff(owner, checkpointId, guardPhone);
    await signIn(place("access"));
    await see(page, "Thêm nhân viên");
    await see(page, "Đăng ký điểm");
    await see(page, "Đầu chuỗi");
    await looksRight("access");
  });

  test("a person's request: taken down, acknowledged, carried out; a wrong number is said at its field", async () => {
    const device = new Device(checkpointId, rig.clock);
    await rig.upload(owner.access_token, device, [device.entry()]);
    await signIn("#/requests");
    for (const kind of ["access", "correct", "erase"]) {
      await click("Ghi yêu cầu mới");
      await page.getByLabel("Người đó muốn").selectOption(kind);
      await page.getByLabel("Số", { exact: true }).fill("0790");
      await page.getByLabel("Đã yêu cầu gì").fill("Đến tận nơi, xem căn cước");
      if (kind === "access") {
        await confirm("Ghi và tìm");
        await see(page, "Số căn cước có 12 chữ số.");
        await looksRight("request-fault");
      }
      await page.getByLabel("Số", { exact: true }).fill("079 099 000 001");
      await confirm("Ghi và tìm");
      await until("the dialog is gone", async () => (await page.getByRole("dialog").count()) === 0);
    }
    const card = (kind: string) => page.locator("li.card", { hasText: kind });
    await card("Xem dữ liệu của mình").getByRole("button", { name: "Đã báo cho người đó" }).click();
    await see(page, "Đã báo nhận");
    await looksRight("requests");
    await card("Xem dữ liệu của mình").getByRole("button", { name: "Xem dữ liệu" }).click();
    await confirm("Xem dữ liệu");
    await see(page, "Nguyễn Thị Mẫu", "dialog");
    await confirm("Đóng");
    await card("Sửa dữ liệu sai").getByRole("button", { name: "Sửa", exact: true }).click();
    await page.getByLabel("Họ tên đúng").fill("Nguyễn Thị Mẫu Đúng");
    await confirm(/^Sửa$/);
    await see(page, "Xong: 1 lượt.");
    await card("Xóa dữ liệu").getByRole("button", { name: "Xóa", exact: true }).click();
    await confirm(/^Xóa$/);
    await until("it is erased", async () => {
      const { body } = await asOwner("GET", `/v1/checkpoints/${checkpointId}/entries`);
      return body.items.length === 0;
    });
  });

  test("anybody checks a code: genuine, outdated, forged, another's", async () => {
    const { body } = await asOwner("GET", `/v1/checkpoints/${checkpointId}`);
    const code: string = body.place_code.text;
    await page.goto(`${rig.url}/pages/#/check`);
    const check = async (text: string, verdict: string) => {
      await page.getByLabel("Nội dung mã").fill(text);
      await click("Kiểm tra");
      await see(page, verdict);
    };
    await check(code, "Mã thật, còn dùng");
    await see(page, "Cổng thử nghiệm");
    await looksRight("check");
    const at = code.length - 10;
    await check(`${code.slice(0, at)}${code[at] === "A" ? "B" : "A"}${code.slice(at + 1)}`, "MÃ GIẢ");
    await check("https://example.com/menu", "Không phải mã điểm của Trạm QR");
    await asOwner("POST", `/v1/checkpoints/${checkpointId}:reissue-code`, { reason: "Tờ cũ bị mất" });
    await check(code, "Mã thật nhưng là bản cũ");
  });

  test("one of many pages ends its sign-in: nothing of the person stays on the screen", async () => {
    await signIn(place());
    await see(page, "Số 1 Phố Thử");
    await click("Đăng xuất");
    await page.getByLabel("Số điện thoại").waitFor();
    expect(await page.locator("body").innerText()).not.toContain("Phố Thử");
  });

  test("every page stands in English too", async () => {
    await signIn("#/");
    await click("English");
    const marks = /[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/i;
    // Names people gave stay as they are.
    const given =
      /Phường Ba Đình, Thành phố Hà Nội|Cổng thử nghiệm|Số 1 Phố Thử|Trạm QR|Tiếng Việt|NĐ-CP|Trần Thị Thử|Chủ điểm/g;
    for (const section of ["", "edit", "settings", "staff", "devices", "poster", "exports", "held", "access", "live"]) {
      await visit(place(section));
      await page.locator("main h1").waitFor();
      const text = (await page.locator("main").innerText()).replace(given, "");
      const words = text.split(/\s+/).filter((word) => marks.test(word));
      if (section !== "settings") expect(words, section).toEqual([]);
    }
  });
});
