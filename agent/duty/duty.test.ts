import { createSecretKey, randomBytes } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newProofKey } from "../../contract/dpop.ts";
import { checkpoint } from "../../contract/places.ts";
import { checkpointId } from "../../testing/drafts.ts";
import { type Answer, type FakeCentre, startFakeCentre } from "../../testing/fake-centre.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { systemClock } from "../clock.ts";
import { CentralApi } from "../sync/central-api.ts";
import { CredentialStore } from "./credential-store.ts";
import { Duty } from "./duty.ts";

let folder: ReturnType<typeof temporaryFolder>;
let centre: FakeCentre;
let file: string;
const key = createSecretKey(randomBytes(32));
const proofKey = await newProofKey();
let places: (typeof place)[];
let signedIn: number;
let calls: { path: string; body: unknown }[];
/** What the centre says to a path; the default is a centre in order. */
let answers: Record<string, (answer: Answer, body: unknown) => void>;

const place = checkpoint.parse({
  id: checkpointId,
  name: "Quầy mẫu",
  kind: "office",
  kind_status: "declared",
  address: { units_version: "2025-07-01", province_code: "01", commune_code: "00070", line: "Số 1" },
  policy: { record_when_expired: true, rescan_s: 3 },
  role: "scanner",
});

const tokens = (number: number) => ({
  access_token: `access-${number}`,
  refresh_token: `refresh-${number}`,
  token_type: "DPoP",
  expires_in: 600,
  person: { ref: "staff-1", name: "Lễ tân (mẫu)" },
  roles: [{ checkpoint_id: checkpointId, role: "scanner" }],
});

beforeEach(async () => {
  folder = temporaryFolder();
  file = path.join(folder.path, "duty.sealed");
  places = [];
  signedIn = 0;
  calls = [];
  answers = {
    "/v1/auth/otp": (answer) => answer.json(202, { challenge_id: checkpointId, expires_in: 300, resend_after: 60 }),
    "/v1/auth/otp:verify": (answer) => answer.json(200, tokens(1)),
    "/v1/me/checkpoints": (answer) => answer.json(200, { items: [place] }),
    "/v1/auth/token": (answer) => answer.json(200, tokens(2)),
    "/v1/auth/token:revoke": (answer) => answer.raw(204, {}, ""),
  };
  centre = await startFakeCentre();
  centre.other = (where, body, answer) => {
    calls.push({ path: where, body });
    const say = answers[where];
    if (say) say(answer, body);
    else answer.problem(404, "not_found");
  };
});

afterEach(async () => {
  await centre[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

function makeDuty(bound: string | null = checkpointId): Duty {
  const clock = systemClock();
  return new Duty({
    api: new CentralApi(centre.url, clock, proofKey, () => {}),
    store: new CredentialStore(file, key),
    clock,
    deviceId: "01900000-0000-7000-8000-0000000000aa",
    boundCheckpoint: () => bound,
    onCheckpoint: (current) => places.push(current),
    onChange: () => {},
    onSignedIn: () => signedIn++,
    log: () => {},
  });
}

async function signIn(duty: Duty): Promise<void> {
  await duty.requestCode("+84 900.000.002");
  await duty.verify("123456");
}

test("phone and code give a credential that survives a restart; the phone is masked on the way to a screen", async () => {
  const duty = makeDuty();
  expect(duty.present).toEqual({ state: "none", staffRef: null });
  await duty.requestCode("+84 900.000.002");
  expect(calls[0]).toMatchObject({ path: "/v1/auth/otp", body: { phone: "0900000002", audience: "staff" } });
  expect(duty.view).toMatchObject({ state: "code-sent", phoneMasked: "090••••002" });
  await duty.verify(" 123456 ");
  expect(duty.view).toEqual({
    state: "signed-in",
    name: "Lễ tân (mẫu)",
    phoneMasked: "090••••002",
    expired: false,
    pinChoice: { message: null },
  });
  expect(duty.present).toEqual({ state: "signed-in", staffRef: "staff-1" });
  expect(places).toEqual([place]);
  expect(signedIn).toBe(1);
  const again = makeDuty();
  expect(again.present).toEqual({ state: "signed-in", staffRef: "staff-1" });
  expect(again.accessToken()).toBe("access-1");
});

test("the credential file is sealed and readable by its owner only", async () => {
  await signIn(makeDuty());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const bytes = readFileSync(file);
  for (const secret of ["access-1", "refresh-1", "staff-1", "090"]) expect(bytes.includes(secret), secret).toBe(false);
});

test("bad phones and codes cost one sentence and no call", async () => {
  const duty = makeDuty();
  await duty.requestCode("12");
  expect(duty.view).toMatchObject({ state: "none", message: { vi: expect.stringContaining("Số điện thoại") } });
  await duty.requestCode("0900000002");
  await duty.verify("12");
  expect(duty.view).toMatchObject({ state: "code-sent", message: { vi: expect.stringContaining("6 chữ số") } });
  expect(calls.map((call) => call.path)).toEqual(["/v1/auth/otp"]);
});

test("a wrong code may be typed again; an ended one starts over; an unknown phone is told to ask the owner", async () => {
  const duty = makeDuty();
  await duty.requestCode("0900000002");
  answers["/v1/auth/otp:verify"] = (answer) => answer.problem(400, "wrong_code");
  await duty.verify("000000");
  expect(duty.view).toMatchObject({ state: "code-sent", message: { en: expect.stringContaining("Wrong code") } });
  answers["/v1/auth/otp:verify"] = (answer) => answer.problem(410, "challenge_expired");
  await duty.verify("000001");
  expect(duty.view).toMatchObject({ state: "none", message: { en: expect.stringContaining("expired") } });
  await duty.requestCode("0900000002");
  answers["/v1/auth/otp:verify"] = (answer) => answer.problem(403, "phone_not_authorised");
  await duty.verify("000002");
  expect(duty.view).toMatchObject({ state: "none", message: { en: expect.stringContaining("ask the owner") } });
});

test("without a network signing in waits and says that recording goes on", async () => {
  await centre.down();
  const duty = makeDuty();
  await duty.requestCode("0900000002");
  expect(duty.view).toMatchObject({ state: "none", message: { en: expect.stringContaining("keeps recording") } });
  await centre.up();
});

test("a phone of another place, or of several where none is set, takes over nothing", async () => {
  answers["/v1/me/checkpoints"] = (answer) =>
    answer.json(200, { items: [{ ...place, id: "01900000-0000-7000-8000-0000000000ff" }] });
  const duty = makeDuty();
  await signIn(duty);
  expect(duty.view).toMatchObject({ state: "none", message: { en: expect.stringContaining("does not serve") } });
  expect(duty.accessToken()).toBeNull();
  answers["/v1/me/checkpoints"] = (answer) =>
    answer.json(200, { items: [place, { ...place, id: "01900000-0000-7000-8000-0000000000ff" }] });
  const unbound = makeDuty(null);
  await signIn(unbound);
  expect(unbound.view).toMatchObject({ message: { en: expect.stringContaining("several places") } });
});

test("a refused token is renewed once for everybody who asks, and written down before its first use", async () => {
  const duty = makeDuty();
  await signIn(duty);
  const before = calls.length;
  expect(await Promise.all([duty.renew("access-1"), duty.renew("access-1")])).toEqual(["renewed", "renewed"]);
  expect(calls.slice(before).map((call) => call.path)).toEqual(["/v1/auth/token"]);
  expect(makeDuty().accessToken()).toBe("access-2");
  expect(await duty.renew("access-1")).toBe("renewed");
  expect(calls).toHaveLength(before + 1);
});

test("a lost answer to a renewal locks nobody out: the same token is shown again", async () => {
  const duty = makeDuty();
  await signIn(duty);
  const shown: unknown[] = [];
  answers["/v1/auth/token"] = (answer, body) => {
    shown.push(body);
    if (shown.length === 1) answer.cut();
    else answer.json(200, tokens(2));
  };
  expect(await duty.renew("access-1")).toBe("try-later");
  expect(duty.present.state).toBe("signed-in");
  expect(await duty.renew("access-1")).toBe("renewed");
  expect(shown).toEqual([shown[0], shown[0]]);
});

test("an ended credential goes on marking entries, sends no more, and heals with the next sign-in", async () => {
  const duty = makeDuty();
  await signIn(duty);
  answers["/v1/auth/token"] = (answer) => answer.problem(400, "invalid_grant");
  expect(await duty.renew("access-1")).toBe("ended");
  expect(duty.present).toEqual({ state: "expired", staffRef: "staff-1" });
  expect(duty.view).toMatchObject({ state: "signed-in", expired: true });
  expect(duty.accessToken()).toBeNull();
  await signIn(duty);
  expect(duty.present).toEqual({ state: "signed-in", staffRef: "staff-1" });
});

test("signing out forgets here first and tells the centre until it confirms", async () => {
  const duty = makeDuty();
  await signIn(duty);
  await centre.down();
  await duty.signOut();
  expect(duty.present.state).toBe("none");
  expect(makeDuty().accessToken()).toBeNull();
  await centre.up();
  const later = makeDuty();
  await later.probe();
  expect(calls.filter((call) => call.path === "/v1/auth/token:revoke").map((call) => call.body)).toEqual([
    { refresh_token: "refresh-1" },
  ]);
});

test("a damaged credential file costs a sign-in and nothing else", async () => {
  await signIn(makeDuty());
  writeFileSync(file, "rubbish");
  expect(makeDuty().present).toEqual({ state: "none", staffRef: null });
});
