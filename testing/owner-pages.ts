import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { build } from "vite";
import { parts } from "../vite.config.ts";
import type { Rig } from "./central-rig.ts";
import { launchChromium } from "./chromium.ts";

/** The owner's pages as they are built, and a Chromium to open them in. */
export class OwnerPages implements AsyncDisposable {
  readonly folder: string;
  readonly browser: Browser;
  /** What a page was refused by its policy or threw. */
  readonly refusals: string[] = [];
  /** Every address any page asked for. */
  readonly addresses: string[] = [];

  private constructor(folder: string, browser: Browser) {
    this.folder = folder;
    this.browser = browser;
  }

  static async build(): Promise<OwnerPages> {
    const folder = await mkdtemp(join(tmpdir(), "central-pages-"));
    const { pages } = parts;
    await build({ ...pages, configFile: false, logLevel: "error", build: { ...pages?.build, outDir: folder } });
    return new OwnerPages(folder, await launchChromium());
  }

  /** A browser of its own, as on another telephone. */
  async open(size = { width: 390, height: 844 }): Promise<Page> {
    const context: BrowserContext = await this.browser.newContext({ viewport: size, acceptDownloads: true });
    const page = await context.newPage();
    page.on("request", (request) => this.addresses.push(request.url()));
    page.on("console", (message) => {
      if (/Content Security Policy|TrustedHTML/.test(message.text())) this.refusals.push(message.text());
    });
    page.on("pageerror", (error) => this.refusals.push(String(error)));
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Goes to `fragment` and signs in there, as a person does. */
export async function signInOnPage(
  page: Page,
  rig: Rig,
  phone: string,
  options: { readonly as?: "Chủ điểm" | "Nhân viên"; readonly fragment?: string } = {},
): Promise<void> {
  const fragment = options.fragment ?? "#/";
  const address = `${rig.url}/pages/${fragment}`;
  // The same page with another fragment is not loaded anew.
  if (page.url() === address) await page.reload();
  else await page.goto(address);
  await page
    .getByLabel(options.as ?? "Chủ điểm", { exact: false })
    .first()
    .check();
  await page.getByLabel("Số điện thoại").fill(phone);
  const before = rig.codesSent;
  await page.getByRole("button", { name: "Gửi mã" }).click();
  await page.getByLabel(/Mã 6 số/).waitFor();
  if (rig.codesSent === before) throw new Error("No code was sent.");
  await page.getByLabel(/Mã 6 số/).fill(rig.codes.get(phone) ?? "");
  await page.getByRole("button", { name: "Đăng nhập" }).click();
  await page.getByRole("button", { name: "Đăng xuất" }).waitFor();
}
