import type { Page } from "playwright-core";

/** Texts of the stage that do not lie wholly inside of it, which is what a visitor would see cut. */
export const textsOutsideOfStage = (page: Page) =>
  page.evaluate(() => {
    const stage = document.querySelector(".stage")?.getBoundingClientRect();
    return Array.from(document.querySelectorAll(".stage p, .stage h2, .stage li, .stage button, .stage svg"))
      .filter((element) => {
        const box = element.getBoundingClientRect();
        return !stage || box.top < stage.top || box.bottom > stage.bottom || box.right > stage.right;
      })
      .map((element) => element.textContent);
  });

/** Where header, stage and footer stand: the same in every state, or the screen jumps. */
export const rectangles = (page: Page) =>
  page.evaluate(() =>
    JSON.stringify(
      [".header", ".stage", ".footer"].map((each) => document.querySelector(each)?.getBoundingClientRect()),
    ),
  );

/** Colour and drawing of the stage, without its words. */
export const lookOfStage = (page: Page) =>
  page.evaluate(() => {
    const stage = document.querySelector(".stage");
    const drawn = Array.from(stage?.querySelectorAll("svg *") ?? []).map((part) => part.outerHTML);
    return stage ? [getComputedStyle(stage).background, ...drawn].join() : "";
  });

/** Texts whose contrast with the colour behind them is under WCAG AA (4.5:1). Gradients count as the page's ground. */
export const weakContrasts = (page: Page) =>
  page.evaluate(() => {
    const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const light = (colour: string) => {
      const [red = 0, green = 0, blue = 0] = channels(colour).map((value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element: Element | null): string => {
      if (!element) return "rgb(255, 255, 255)";
      const colour = getComputedStyle(element).backgroundColor;
      return channels(colour)[3] === 0 ? behind(element.parentElement) : colour;
    };
    return Array.from(document.querySelectorAll("body *"))
      .filter((element) =>
        Array.from(element.childNodes).some((node) => node instanceof Text && node.data.trim() !== ""),
      )
      .filter((element) => {
        const [low = 0, high = 0] = [light(getComputedStyle(element).color), light(behind(element))].toSorted(
          (left, right) => left - right,
        );
        return (high + 0.05) / (low + 0.05) < 4.5;
      })
      .map((element) => element.textContent);
  });
