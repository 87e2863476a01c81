import { describe, expect, test } from "vitest";
import { visibleText } from "./visible-text.ts";

describe("text that came from outside", () => {
  test("is shown unchanged when it is an ordinary Vietnamese name", () => {
    expect(visibleText("Nguyễn Thị Hường")).toBe("Nguyễn Thị Hường");
  });

  test("is composed: a name sent with separate marks is drawn with whole letters", () => {
    expect(visibleText("Nguyễn Thị".normalize("NFD"))).toBe("Nguyễn Thị");
  });

  test.each([
    ["\u202E", "⟦U+202E⟧"],
    ["\u2066", "⟦U+2066⟧"],
    ["\u200B", "⟦U+200B⟧"],
    ["\uFEFF", "⟦U+FEFF⟧"],
    ["\u0000", "⟦U+0000⟧"],
    ["\u001B", "⟦U+001B⟧"],
    ["\u{E0041}", "⟦U+E0041⟧"],
    ["\uD800", "⟦U+D800⟧"],
  ])("writes %j out instead of obeying it", (character, shown) => {
    expect(visibleText(`A${character}B`)).toBe(`A${shown}B`);
  });

  test("cannot paint over its neighbours with a tower of marks", () => {
    expect(visibleText(`a${"\u0301".repeat(8)}`).match(/⟦U\+0301⟧/g)).toHaveLength(4);
  });

  test("is cut at 120 characters and never inside one", () => {
    expect(Array.from(visibleText("😀".repeat(500)))).toHaveLength(121);
  });
});
