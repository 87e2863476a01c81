import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { until } from "./until.ts";

/** A browser page under watch: what it complains of, whom it calls, and what it ever showed. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Console errors, uncaught errors and content-policy violations. */
  readonly complaints: string[];
  /** Addresses it asked for outside of 127.0.0.1. */
  readonly strangers: string[];
  /** Each secret that ever stood in the document or came over a socket, with where. */
  readonly leaks: string[];
  /** How often the document and the sockets were looked at; zero would mean that nobody watched. */
  readonly looks: { document: number; socket: number };
}

/** Opens a page in a fresh profile and watches it from its first byte. `secrets` must never reach it. */
export async function openWatched(browser: Browser, url: string, secrets: readonly string[]): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const complaints: string[] = [];
  const strangers: string[] = [];
  const leaks: string[] = [];
  const looks = { document: 0, socket: 0 };
  const lookAt = (where: "document" | "socket", text: string) => {
    looks[where] += 1;
    for (const secret of secrets) if (text.includes(secret)) leaks.push(`${secret} in the ${where}`);
  };
  const visit = (address: string) => {
    if (!["http:", "ws:"].includes(new URL(address).protocol) || new URL(address).hostname !== "127.0.0.1") {
      strangers.push(address);
    }
  };
  await context.exposeFunction("lookAtDocument", (text: string) => lookAt("document", text));
  await context.exposeFunction("complain", (text: string) => complaints.push(text));
  await context.addInitScript(() => {
    const page = globalThis as unknown as Record<"lookAtDocument" | "complain", (text: string) => void>;
    document.addEventListener("securitypolicyviolation", (event) => {
      page.complain(`policy ${event.violatedDirective}: ${event.blockedURI}`);
    });
    new MutationObserver(() => page.lookAtDocument(document.documentElement?.outerHTML ?? "")).observe(document, {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true,
    });
  });
  const page = await context.newPage();
  context.on("request", (request) => visit(request.url()));
  page.on("websocket", (socket) => {
    visit(socket.url());
    socket.on("framereceived", ({ payload }) => lookAt("socket", payload.toString()));
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints, strangers, leaks, looks, [Symbol.asyncDispose]: () => context.close() };
}

/** What a visitor must be able to read in one language. */
export interface Reading {
  /** Pieces of the visible text, as drawn (capitals included). */
  readonly shown: readonly string[];
  /** What the live regions say to a screen reader. */
  readonly said?: string;
}

/** The two buttons of the kiosk page and of the owner's pages. */
const chooseLanguage = (page: Page, language: "vi" | "en"): Promise<void> =>
  page.getByRole("button", { name: language === "vi" ? "Tiếng Việt" : "English", exact: true }).click();

/**
 * Reads the page in English and in Vietnamese, where it is left: every piece is visible inside `within`, `lang` follows
 * the choice and the live regions say what they must. Takes the screenshots `name` when TRAM_SHOTS asks for them.
 */
export async function readInBoth(
  page: Page,
  name: string,
  readings: { readonly vi: Reading; readonly en: Reading },
  { within = "body" }: { within?: string } = {},
): Promise<void> {
  for (const language of ["vi", "en", "vi"] as const) {
    await chooseLanguage(page, language);
    const { shown, said } = readings[language];
    for (const piece of shown) await see(page, piece, within);
    await until(`lang is ${language}`, async () => (await page.locator("html").getAttribute("lang")) === language);
    if (said !== undefined) await hear(page, said);
    await takeShots(page, `${name}-${language}`);
  }
}

/** Waits until this text is drawn. */
export async function see(page: Page, piece: string, within = "body", withinMs = 10_000): Promise<void> {
  let drawn = "";
  await until(
    `"${piece}" in ${within}`,
    async () => {
      drawn = (await page.locator(within).innerText({ timeout: 1_000 })).replace(/\s+/g, " ");
      return drawn.includes(piece);
    },
    withinMs,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; drawn: ${drawn}`);
  });
}

/** Waits until a live region of the page holds exactly this text. */
export async function hear(page: Page, text: string): Promise<void> {
  let regions: string[] = [];
  await until(`a live region says "${text}"`, async () => {
    regions = await page.locator(".unseen [aria-live]").allTextContents();
    return regions.includes(text);
  }).catch((error: Error) => {
    throw new Error(`${error.message}; said: ${JSON.stringify(regions)}`);
  });
}

/** What an accessibility checker would say first: unnamed controls, doubled ids, missing landmarks or titles. */
export const basicFaults = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const faults: string[] = [];
    const all = (selector: string) => Array.from(document.querySelectorAll<HTMLElement>(selector));
    if (document.title.trim() === "") faults.push("no title");
    if (all("h1").length !== 1) faults.push(`${all("h1").length} h1`);
    if (all("main").length !== 1) faults.push(`${all("main").length} main`);
    for (const element of all("button, a[href]")) {
      const name = element.getAttribute("aria-label") ?? element.textContent ?? "";
      if (name.trim() === "") faults.push(`unnamed: ${element.outerHTML}`);
    }
    for (const input of all("input") as HTMLInputElement[]) {
      const named = input.labels?.length || input.hasAttribute("aria-label") || input.hasAttribute("aria-labelledby");
      if (!named) faults.push(`unlabelled: ${input.outerHTML}`);
    }
    for (const image of all("img")) if (!image.hasAttribute("alt")) faults.push(`no alt: ${image.outerHTML}`);
    for (const each of all("[tabindex]")) if (each.tabIndex > 0) faults.push(`tab order forced: ${each.outerHTML}`);
    const ids = all("[id]").map((element) => element.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id twice: ${id}`);
    for (const attribute of ["aria-describedby", "aria-labelledby", "for"]) {
      for (const element of all(`[${attribute}]`)) {
        for (const id of (element.getAttribute(attribute) ?? "").split(/\s+/)) {
          if (!document.getElementById(id)) faults.push(`${attribute} points nowhere: ${id}`);
        }
      }
    }
    return faults;
  });

const sizes = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
] as const;

/** Takes `name-WIDTHxHEIGHT.png` in every size into the folder TRAM_SHOTS; does nothing without it. */
export async function takeShots(page: Page, name: string): Promise<void> {
  const folder = process.env.TRAM_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const before = page.viewportSize();
  for (const size of sizes) {
    await page.setViewportSize(size);
    await page.screenshot({
      path: path.join(folder, `${name}-${size.width}x${size.height}.png`),
      animations: "disabled",
    });
  }
  if (before) await page.setViewportSize(before);
}
