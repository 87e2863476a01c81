import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Rig } from "../testing/central-rig.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { runTram } from "../testing/program.ts";
import { readPicture } from "../testing/read-picture.ts";
import { toldOfPdf } from "../testing/rendered-pdf.ts";
import { until } from "../testing/until.ts";

const program = path.resolve(import.meta.dirname, "..", "dist", "tram", "tram.js");

/** `tram poster ARGS`, whose questions are answered with `codes` or with what was sent to the phone. */
async function poster(rig: Rig, phone: string, args: readonly string[], wrongFirst = false) {
  const child = spawn(process.execPath, [program, "poster", ...args, "--phone", phone], { stdio: "pipe" });
  let [out, err] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (err += bytes.toString()));
  const ended = once(child, "close") as Promise<[number | null]>;
  rig.codes.delete(phone);
  await until("a code is sent", () => rig.codes.get(phone), 30_000);
  if (wrongFirst) child.stdin.write(rig.codes.get(phone) === "000000" ? "111111\n" : "000000\n");
  child.stdin.end(`${rig.codes.get(phone)}\n`);
  const [code] = await ended;
  return { code, out, err };
}

test("the owner gets the poster as a file, in any form, after a wrong code too", async () => {
  await using rig = await Rig.start({ publicUrl: "https://qr.example.vn" });
  const { owner, checkpointId } = await rig.checkpoint();
  const mine = await rig.call("GET", "/v1/me/checkpoints", { token: owner.access_token });
  using made = temporaryFolder();
  const folder = made.path;
  const pdf = path.join(folder, "cổng 1.pdf");
  rig.clock.advance(120_000);
  const first = await poster(rig, "0900000001", [checkpointId, "--central", rig.url, "--out", pdf], true);
  expect([first.code, first.err]).toEqual([0, expect.stringContaining("That is not the code")]);
  expect(first.out).toContain("A4 poster");
  expect(toldOfPdf("pdftotext", ["-", "-"], readFileSync(pdf)).normalize("NFC")).toContain("Cổng thử nghiệm");

  const png = path.join(folder, "cong.png");
  const wish = ["--size", "A5", "--format", "png", "--language", "vi", "--json"];
  rig.clock.advance(120_000);
  const second = await poster(rig, "0900000001", [checkpointId, "--central", rig.url, "--out", png, ...wish]);
  expect([second.code, JSON.parse(second.out)]).toEqual([
    0,
    { file: png, bytes: readFileSync(png).length, size: "A5", format: "png", language: "vi" },
  ]);
  const read = await readPicture(readFileSync(png));
  expect(new TextDecoder().decode(read)).toBe(mine.body.items[0].place_code.text);
  // Nothing is left signed in.
  expect(rig.log).toContain("/v1/auth/token::revoke");

  rig.clock.advance(120_000);
  const foreign = path.join(folder, "foreign.pdf");
  const stranger = await poster(rig, "0900000009", [checkpointId, "--central", rig.url, "--out", foreign]);
  expect([stranger.code, stranger.err]).toEqual([
    1,
    expect.stringContaining("tram: You have no right at this checkpoint.\n"),
  ]);
});

test("what cannot work is said in one sentence before a code is sent, and no file is overwritten", async () => {
  await using rig = await Rig.start();
  const id = "3f2a91bc-0000-4000-8000-000000000001";
  using made = temporaryFolder();
  const folder = made.path;
  const kept = path.join(folder, "kept.pdf");
  writeFileSync(kept, "kept");
  const said = async (...args: string[]) => {
    const run = await runTram(["poster", ...args, "--phone", "0900000001"]);
    expect([run.code, run.err.trim().split("\n").length, run.out]).toEqual([1, 1, ""]);
    return run.err;
  };
  const out = path.join(folder, "new.pdf");
  expect(await said("not-an-id", "--central", rig.url, "--out", out)).toContain("copy it whole");
  expect(await said(id, "--central", "qr.example.vn", "--out", out)).toContain("--central");
  expect(await said(id, "--central", rig.url, "--out", kept)).toContain("--force");
  expect(await said(id, "--central", rig.url, "--out", folder, "--force")).toContain("is not a file");
  expect(await said(id, "--central", rig.url, "--out", path.join(folder, "no", "a.pdf"))).toContain("does not exist");
  expect(await said(id, "--central", "http://127.0.0.1:9", "--out", out)).toContain("cannot be reached");
  expect(rig.codesSent).toBe(0);
  expect(readFileSync(kept, "utf8")).toBe("kept");
});
