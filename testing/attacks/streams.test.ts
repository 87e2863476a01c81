import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OpenStream } from "../central-rig.ts";
import { until } from "../until.ts";
import { type Caller, Cast, canaries, problemOf } from "./cast.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cast: Cast;
beforeEach(async () => {
  cast = await Cast.gather();
});
afterEach(async () => {
  try {
    await cast.mustBeToldAndTight();
  } finally {
    await cast[Symbol.asyncDispose]();
  }
});

const open = (as: Caller, place = cast.placeA): Promise<OpenStream> =>
  OpenStream.open(cast.rig, place, as.token ?? "", undefined, "", as.key);
const scanned = async (name: string = canaries.visitorName): Promise<void> => {
  const { station } = cast.deviceA;
  await cast.must(
    cast.deviceA,
    "POST",
    "/v1/entries:batch",
    station.batch([station.person(canaries.visitorNumber, name)]),
  );
};

test("whoever loses the right is told so and hears nothing more, while the others go on", async () => {
  const removed = await cast.hire(cast.ownerA, cast.placeA, "supervisor");
  await using theirs = await open(removed);
  await using owners = await open(cast.ownerA);
  await scanned();
  await until("both heard it", () => theirs.named("entry").length === 1 && owners.named("entry").length === 1);
  await cast.must(cast.ownerA, "DELETE", `/v1/checkpoints/${cast.placeA}/staff/${removed.staffId}`);
  await until("they are told", () => theirs.named("bye").some(({ data }) => data.reason === "rights"));
  await until("their stream has ended", () => theirs.ended);
  await scanned("Người Thứ Hai");
  await until("the owner heard the second", () => owners.named("entry").length >= 2);
  expect(theirs.named("entry")).toHaveLength(1);
  expect(problemOf(await cast.glance(removed, "GET", `/v1/checkpoints/${cast.placeA}/entries:stream`))).toBe(
    "forbidden",
  );
});

test("a stream ends with its sign-in and with its token", async () => {
  const person = await cast.hire(cast.ownerA, cast.placeA, "supervisor");
  await using signedOut = await open(person);
  await cast.must(person, "POST", "/v1/auth/token:revoke", { refresh_token: person.reply.refresh_token });
  await scanned();
  await until("it has ended", () => signedOut.ended || signedOut.named("bye").length > 0);
  expect(signedOut.named("entry")).toHaveLength(0);
  await using old = await open(cast.supervisorA);
  cast.rig.clock.advance(601_000);
  const fresh = await cast.signIn("device again", canaries.ownerPhone, "owner");
  await cast.must(fresh, "GET", "/v1/me/checkpoints");
  await until("it has ended too", () => old.ended || old.named("bye").length > 0, 40_000);
});

test("one person holds three streams at most, and another's place none", async () => {
  await using streams = new AsyncDisposableStack();
  for (let one = 0; one < 3; one++) streams.use(await open(cast.supervisorA));
  const fourth = await cast.glance(cast.supervisorA, "GET", `/v1/checkpoints/${cast.placeA}/entries:stream`, {
    headers: { accept: "text/event-stream" },
  });
  expect([fourth.status, problemOf(fourth)]).toEqual([429, "too_many_streams"]);
  expect((await open(cast.ownerA)).ended).toBe(false);
  for (const as of [cast.ownerB, cast.scannerB, cast.deviceA, cast.deviceB]) {
    const reply = await cast.glance(as, "GET", `/v1/checkpoints/${cast.placeA}/entries:stream`);
    expect([reply.status, problemOf(reply)], as.name).toEqual([403, "forbidden"]);
  }
});

test("what is streamed is masked, and a made-up or foreign position starts anew", async () => {
  await scanned();
  await using stream = await open(cast.ownerA);
  await scanned("Người Thứ Hai");
  await until("an entry", () => stream.named("entry").length > 0);
  const said = JSON.stringify(stream.events);
  for (const value of [canaries.visitorName, canaries.visitorNumber, "raw_b64", "sha256"])
    expect(said).not.toContain(value);
  for (const id of ["1", "A".repeat(22), "' OR 1=1", "x".repeat(5000)]) {
    const reply = await cast.glance(cast.ownerA, "GET", `/v1/checkpoints/${cast.placeA}/entries:stream`, {
      headers: { accept: "text/event-stream", "last-event-id": id },
    });
    expect([200, 410, 422], id.slice(0, 20)).toContain(reply.status);
  }
});
