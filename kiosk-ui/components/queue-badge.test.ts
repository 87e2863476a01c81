import { describe, expect, test } from "vitest";
import { en } from "../i18n/en.ts";
import { durationText } from "../i18n/time.ts";
import { vi } from "../i18n/vi.ts";
import { queueText } from "./queue-badge.tsx";

const queue = { online: true, unsent: 0, oldestAgeS: null, quarantined: 0, message: null };

describe("the sending badge", () => {
  test("says how many wait and for how long when the network is gone", () => {
    const offline = { ...queue, online: false, unsent: 12, oldestAgeS: 190 };
    expect(queueText(offline, true, 190, vi)).toBe("Mất mạng – đã ghi, chờ gửi: 12 (lâu nhất 3 phút)");
    expect(queueText(offline, true, 190, en)).toBe("Offline – recorded, waiting: 12 (oldest 3 minutes)");
  });

  test("does not claim that all is sent while something waits", () => {
    expect(queueText({ ...queue, unsent: 3 }, true, 2, vi)).toBe("Trực tuyến · đang gửi: 3");
  });

  test("does not claim to be online because nothing waits", () => {
    expect(queueText({ ...queue, online: false }, true, null, vi)).toBe("Mất mạng – vẫn ghi bình thường");
  });

  test("does not claim that a machine without a place records", () => {
    expect(queueText({ ...queue, online: false }, false, null, vi)).toBe("Chưa ghi nhận ai");
  });

  test.each([
    [-5, "dưới 1 phút"],
    [59, "dưới 1 phút"],
    [60, "1 phút"],
    [3_600, "1 giờ"],
    [7_500, "2 giờ 5 phút"],
    [86_400, "24 giờ"],
    [21 * 86_400, "21 ngày"],
  ])("writes an age of %d s as %s", (seconds, text) => {
    expect(durationText(seconds, vi)).toBe(text);
  });
});
