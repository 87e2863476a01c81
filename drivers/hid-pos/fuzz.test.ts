import { expect, test } from "vitest";
import { createDice, createReportFuzzer, EVERY_LAYOUT } from "../../testing/hid-pos-fuzz.ts";
import { scanReports } from "../../testing/hid-pos-reports.ts";
import { createReportAssembler } from "./reassembly.ts";

const REPORTS = 50_000;
const RUN = 100;

/** Invented, with a letter across the cut at 56 and at 112 bytes. */
const card = (index: number): string =>
  `${String(index).padStart(12, "0")}|Nguyễn Thị Hồng Đào Mẫu|0102199${"ữẵỷặấờợ".repeat(index % 9)}`;

test.each(EVERY_LAYOUT)(
  "%s: after every hundred of 50,000 reports no reader sends, the next scan is read byte for byte",
  (_name, family, source) => {
    const dice = createDice(20260101);
    const next = createReportFuzzer(dice);
    const assembler = createReportAssembler(source());
    let nowMs = 1000;
    const scan = (payload: string): string[] =>
      scanReports(family, payload)
        .flatMap((report) => assembler.push(report, nowMs))
        .map(({ bytes, spoiled }) => `${Buffer.from(bytes).toString("utf8")} ${spoiled}`);
    // A reader is known after its first scan; before it, garbage may look like another maker's.
    expect(scan("0123456789")).toEqual(["0123456789 null"]);

    for (let run = 0; run < REPORTS / RUN; run++) {
      if (run % 10 === 9) assembler.expectReply(nowMs + dice(3000));
      for (let sent = 0; sent < RUN; sent++) {
        nowMs += dice(3) === 0 ? dice(400) : 16;
        const frames = [...assembler.expire(nowMs), ...assembler.push(next(), nowMs)];
        for (const { bytes } of frames) expect(bytes.length).toBeLessThanOrEqual(8192);
      }
      nowMs += 5000;
      assembler.expire(nowMs);
      expect(assembler.deadlineMs()).toBeNull();
      expect(scan(card(run))).toEqual([`${card(run)} null`]);
    }
  },
);
