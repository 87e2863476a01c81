import { expect, test } from "vitest";
import { Rig } from "../testing/central-rig.ts";
import { readPicture } from "../testing/read-picture.ts";
import { toldOfPdf } from "../testing/rendered-pdf.ts";

const wish = { format: "pdf", size: "A5", language: "both" };

async function posterBytes(rig: Rig, id: string, token: string, body: unknown): Promise<Response> {
  return rig.request("POST", `/v1/checkpoints/${id}/poster`, {
    token,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

test("an owner and a supervisor get the poster, whose code is the place's own", async () => {
  await using rig = await Rig.start({ publicUrl: "https://qr.example.vn" });
  const { owner, checkpointId } = await rig.checkpoint();
  const mine = await rig.call("GET", "/v1/me/checkpoints", { token: owner.access_token });
  const pdf = await posterBytes(rig, checkpointId, owner.access_token, wish);
  expect([pdf.status, pdf.headers.get("content-type"), pdf.headers.get("cache-control")]).toEqual([
    200,
    "application/pdf",
    "no-store",
  ]);
  expect(pdf.headers.get("content-disposition")).toBe(
    `attachment; filename="poster_Cong-thu-nghiem_A5.pdf"; filename*=UTF-8''poster_C%E1%BB%95ng-th%E1%BB%AD-nghi%E1%BB%87m_A5.pdf`,
  );
  const told = toldOfPdf("pdftotext", ["-", "-"], new Uint8Array(await pdf.arrayBuffer()));
  const text = told.normalize("NFC");
  expect(text).toContain("Cổng thử nghiệm");
  expect(text).toContain("Kiểm tra mã còn dùng: qr.example.vn/check");

  const { tokens } = await rig.staff(owner, checkpointId, "0900000002", "supervisor");
  const png = await posterBytes(rig, checkpointId, tokens.access_token, { ...wish, format: "png" });
  expect([png.status, png.headers.get("content-type")]).toEqual([200, "image/png"]);
  const read = await readPicture(new Uint8Array(await png.arrayBuffer()));
  expect(new TextDecoder().decode(read)).toBe(mine.body.items[0].place_code.text);
});

test("scanners, strangers, unknown places and wrong wishes are refused", async () => {
  await using rig = await Rig.start();
  const { owner, checkpointId } = await rig.checkpoint();
  const { tokens: scanner } = await rig.staff(owner, checkpointId, "0900000002");
  const stranger = await rig.signIn("0900000003", "owner");
  const path = `/v1/checkpoints/${checkpointId}/poster`;
  const asked = async (token: string | undefined, body: unknown = wish, at = path) => {
    const reply = await rig.call("POST", at, { body, ...(token === undefined ? {} : { token }) });
    return [reply.status, reply.body.type.split("/").at(-1)];
  };
  expect(await asked(scanner.access_token)).toEqual([403, "forbidden"]);
  expect(await asked(stranger.access_token)).toEqual([403, "forbidden"]);
  expect(await asked(undefined)).toEqual([401, "invalid_token"]);
  const nowhere = "/v1/checkpoints/00000000-0000-4000-8000-000000000000/poster";
  expect(await asked(owner.access_token, wish, nowhere)).toEqual([403, "forbidden"]);
  for (const wrong of [{}, { ...wish, format: "svg" }, { ...wish, size: "A0" }, { ...wish, language: "../vi" }]) {
    expect(await asked(owner.access_token, wrong)).toEqual([422, "validation"]);
  }
});
