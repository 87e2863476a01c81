import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../testing/chromium.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { openWatched, see } from "../testing/kiosk-driver.ts";
import { jsonLines, runTram, startTram } from "../testing/program.ts";
import { createPtyDevice } from "../testing/pty.ts";
import { readPicture } from "../testing/read-picture.ts";
import { until } from "../testing/until.ts";

// The whole way round: the real page shows the code, its picture is read, and what was read comes in over the reader.

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

const card = "079098000001|024123456|NGUYỄN VĂN A|01011998|Nam|Số 1 Đường ABC|01012022\r";

test("staff test a reader from the screen it reads, while the other one records; it is told after a restart too", async () => {
  await using tested = await createPtyDevice();
  await using other = await createPtyDevice();
  await using browser = await launchChromium();
  const dataDir = path.join(folder.path, "data");
  const config = path.join(folder.path, "agent.json");
  writeFileSync(
    config,
    JSON.stringify({
      dataDir,
      central: "http://127.0.0.1:9",
      checkpointId: "01900000-0000-7000-8000-000000000001",
      kioskPort: 0,
      demo: true,
      readers: [`serial:${tested.path}?direction=in&name=Cổng 1`, `serial:${other.path}?direction=in&name=Cổng 2`],
    }),
  );
  const agent = startTram("agent", "--json", "--config", config);
  {
    await using running = agent;
    const kiosk = String((await running.line("ready")).kiosk);
    await using watched = await openWatched(browser, kiosk, ["079098", "NGUYỄN"]);
    const { page } = watched;
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    await see(page, "Mời quét mã", ".stage");
    await until("both are ready", async () => (await page.locator(".readers .reader[data-state=ready]").count()) === 2);
    await button("Nhân viên").click();
    await button("Kiểm tra đầu đọc: Cổng 1").click();

    const readScreen = async (step: number): Promise<Uint8Array> => {
      await see(page, `Mã ${step}/3 · đang chờ quét`, ".stage");
      return readPicture(await page.screenshot());
    };
    await tested.write(Buffer.concat([await readScreen(1), Buffer.from("\r\n")]));
    await see(page, "Mã 1/3 · đúng từng byte", ".stage");

    await readScreen(2);
    await tested.write(card);
    await see(page, "Đây không phải mã thử", ".stage");
    await other.write(card);
    await see(page, "Cổng 2: Vào. Đã ghi nhận", ".stage");

    const second = Buffer.from(await readPicture(await page.screenshot())).toString();
    await tested.write(`${second.replace(/\P{ASCII}/gu, "?")}\r`);
    await see(page, "Mất chữ có dấu", ".stage");
    await button("Mã tiếp theo").click();
    await tested.write(Buffer.concat([await readScreen(3), Buffer.from("\r\n")]));
    await see(page, "Kết quả · có lỗi", ".stage");
    await button("Đóng").click();
    await see(page, "Mời quét mã", ".stage");
    expect(watched.leaks).toEqual([]);
    expect(watched.complaints).toEqual([]);
  }
  // Two cards were held before readers; only the one at the reader that was not in its test was recorded.
  expect(jsonLines((await runTram(["journal", "list", "--json", "--data", dataDir])).out)).toHaveLength(1);

  await using again = startTram("agent", "--json", "--config", config);
  const kiosk = String((await again.line("ready")).kiosk);
  await using watched = await openWatched(browser, kiosk, []);
  await watched.page.getByRole("button", { name: "Nhân viên", exact: true }).click();
  await see(watched.page, "có lỗi: Mất chữ có dấu", ".panel");
}, 120_000);
