import { readFileSync } from "node:fs";
import os from "node:os";

/** What the owner reads of this machine before approving it: model and host name, system. At most 80 characters each. */
export function thisMachine(): { model: string; os: string } {
  const product = ["/sys/class/dmi/id/product_name", "/proc/device-tree/model"]
    .map(firstLine)
    .find((text) => text !== "");
  return {
    model: told([product ?? os.arch(), os.hostname()].join(", ")),
    os: told(`${os.type()} ${os.release()} ${os.arch()}`),
  };
}

function firstLine(file: string): string {
  try {
    return (readFileSync(file, "utf8").split("\n")[0] ?? "").replace(/[\p{Cc}\p{Cf}]/gu, "").trim();
  } catch {
    return "";
  }
}

function told(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/[\p{Cc}\p{Cf}]/gu, "")
      .slice(0, 80) || "?"
  );
}
