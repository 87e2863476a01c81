import { randomUUID } from "node:crypto";
import { operations } from "../../contract/operations.ts";
import type { ProblemName } from "../../contract/problem.ts";
import { type Cast, placeNamed } from "./cast.ts";

/** Who tries each call on what belongs to place A. */
export const triers = [
  "ownerA",
  "supervisorA",
  "scannerA",
  "deviceA",
  "ownerB",
  "scannerB",
  "deviceB",
  "official",
] as const;
export type Trier = (typeof triers)[number];

/** One call on something of place A, made anew for each try, so that no try spoils the next. */
export interface Asked {
  /** Values of the `{name}`s in the path. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the suite knows of one call of the contract. */
export type Rule =
  /** Anybody may; it names nothing of anybody. */
  | { readonly kind: "anybody" }
  /** Holds of the proved key or of a secret in the body; attacked in `sign-in.test.ts` or `enrolment.test.ts`. */
  | { readonly kind: "by-key" }
  /** Answers with the caller's own things: nothing of place A for anybody else. */
  | { readonly kind: "own-things"; readonly ask: Ask; readonly refused?: readonly Trier[] }
  /** On something of place A: only these may. */
  | {
      readonly kind: "of-a-place";
      readonly ask: Ask;
      readonly may: readonly Trier[];
      readonly problems?: readonly ProblemName[];
    };

type Ask = (cast: Cast) => Promise<Asked> | Asked;

const owners: readonly Trier[] = ["ownerA"];
const managers: readonly Trier[] = ["ownerA", "supervisorA"];
const staff: readonly Trier[] = ["ownerA", "supervisorA", "scannerA"];

const place = (cast: Cast): Asked => ({ path: { id: cast.placeA } });
const withReason = async (cast: Cast): Promise<Asked> => ({ path: { id: await spare(cast) }, body: { reason: "thử" } });
/** A place of owner A alone, which may be spoilt. */
async function spare(cast: Cast, kind = "office"): Promise<string> {
  const id = randomUUID();
  await cast.must(cast.ownerA, "POST", "/v1/checkpoints", {
    ...placeNamed(id, `Kho số ${id.slice(0, 8)}`),
    kind,
    confirm: true,
  });
  return id;
}

/** A held scan's place needs none: the answer to who may not is the same. */
const held = (cast: Cast): Asked => ({ path: { id: cast.placeA }, body: { entry_ids: [randomUUID()], reason: "thử" } });

/** Every call of the contract. A new one does not compile until it has its rule. */
export const rules: { readonly [name in keyof typeof operations]: Rule } = {
  uploadBatch: {
    kind: "of-a-place",
    // Rows that were carried by stick are delivered by whoever of the staff has them, from another machine.
    may: [...staff, "deviceA"],
    ask: (cast) => ({ body: cast.deviceA.station.batch([cast.deviceA.station.entry()]) }),
    problems: ["forbidden", "device_not_enrolled"],
  },
  heartbeat: {
    kind: "of-a-place",
    may: ["scannerA", "deviceA"],
    ask: (cast) => ({ path: { id: cast.deviceA.station.id }, body: cast.figures() }),
    problems: ["forbidden", "device_not_enrolled"],
  },
  enrolDevice: { kind: "by-key" },
  pollEnrolment: { kind: "by-key" },
  lookUpDevice: {
    kind: "of-a-place",
    may: ["ownerA", "ownerB"],
    ask: async (cast) => ({ body: { user_code: (await cast.waiting()).userCode } }),
  },
  approveDevice: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => {
      const { userCode, fingerprint } = await cast.waiting();
      return { body: { user_code: userCode, checkpoint_id: cast.placeA, name: "Cổng", key_fingerprint: fingerprint } };
    },
  },
  denyDevice: {
    kind: "of-a-place",
    may: ["ownerA", "ownerB"],
    ask: async (cast) => ({ body: { user_code: (await cast.waiting()).userCode } }),
  },
  inviteDevice: { kind: "of-a-place", may: owners, ask: place },
  listDevices: { kind: "of-a-place", may: managers, ask: place },
  changeDevice: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => {
      const { id, version } = await cast.enrolledSpare();
      return { path: { id }, body: { name: "Tên khác" }, headers: { "if-match": `"${version}"` } };
    },
  },
  revokeDevice: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => ({ path: { id: (await cast.enrolledSpare()).id } }),
  },
  deviceConfig: {
    kind: "of-a-place",
    may: ["scannerA", "deviceA"],
    ask: (cast) => ({ path: { id: cast.deviceA.station.id } }),
    problems: ["forbidden", "device_not_enrolled"],
  },
  requestOtp: { kind: "anybody" },
  verifyOtp: { kind: "by-key" },
  issueToken: { kind: "by-key" },
  revokeToken: { kind: "by-key" },
  listCheckpointKinds: { kind: "anybody" },
  listAdminUnits: { kind: "anybody" },
  createCheckpoint: {
    kind: "of-a-place",
    may: ["ownerA"],
    ask: (cast) => ({
      body: {
        ...placeNamed(randomUUID(), "Tầng 2"),
        parent_id: cast.placeA,
        part: { type: "floor", label: "2" },
        confirm: true,
      },
    }),
    problems: ["forbidden", "validation"],
  },
  getCheckpoint: { kind: "of-a-place", may: staff, ask: place },
  editCheckpoint: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => ({
      path: { id: await spare(cast) },
      body: { name: "Tên khác" },
      headers: { "if-match": '"1"' },
    }),
  },
  suspendCheckpoint: { kind: "of-a-place", may: owners, ask: withReason },
  resumeCheckpoint: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => {
      const id = await spare(cast);
      await cast.must(cast.ownerA, "POST", `/v1/checkpoints/${id}:suspend`, { reason: "thử" });
      return { path: { id }, body: { reason: "thử" } };
    },
  },
  closeCheckpoint: { kind: "of-a-place", may: owners, ask: withReason },
  mergeCheckpoint: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => ({ path: { id: await spare(cast) }, body: { into: await spare(cast), reason: "thử" } }),
  },
  reissuePlaceCode: { kind: "of-a-place", may: owners, ask: withReason },
  decideKind: {
    kind: "of-a-place",
    may: ["official"],
    ask: async (cast) => ({
      path: { id: await spare(cast, "hospital") },
      body: { decision: "approve", reference: "12/QĐ" },
    }),
  },
  listOverseenCheckpoints: { kind: "of-a-place", may: ["official"], ask: () => ({}) },
  listMyCheckpoints: { kind: "own-things", ask: () => ({}) },
  checkPlaceCode: { kind: "anybody" },
  listCodeKeys: { kind: "anybody" },
  listStaff: { kind: "of-a-place", may: managers, ask: place },
  addStaff: {
    kind: "of-a-place",
    may: managers,
    ask: (cast) => ({
      path: { id: cast.placeA },
      body: { id: randomUUID(), phone: cast.nextPhone(), display_name: "Người mới", role: "scanner" },
    }),
  },
  removeStaff: {
    kind: "of-a-place",
    may: managers,
    ask: async (cast) => ({ path: { id: cast.placeA, staff_id: await cast.spareMember() } }),
  },
  changeStaff: {
    kind: "of-a-place",
    may: managers,
    ask: async (cast) => ({
      path: { id: cast.placeA, staff_id: await cast.spareMember() },
      body: { role: "scanner" },
      headers: { "if-match": '"1"' },
    }),
    problems: ["forbidden", "not_found"],
  },
  listEntries: { kind: "of-a-place", may: staff, ask: place },
  streamEntries: {
    kind: "of-a-place",
    may: staff,
    ask: (cast) => ({ ...place(cast), headers: { accept: "text/event-stream" } }),
  },
  listHeldScans: { kind: "of-a-place", may: owners, ask: place },
  acceptHeldScans: { kind: "of-a-place", may: owners, ask: held },
  discardHeldScans: { kind: "of-a-place", may: owners, ask: held },
  listAccessRecords: { kind: "of-a-place", may: owners, ask: (cast) => ({ query: `checkpoint_id=${cast.placeA}` }) },
  createSubjectRequest: {
    kind: "own-things",
    ask: (cast) => ({ body: cast.subjectRequest("access") }),
    refused: ["scannerA", "supervisorA", "scannerB", "deviceA", "deviceB", "official"],
  },
  listSubjectRequests: { kind: "own-things", ask: () => ({}) },
  acknowledgeSubjectRequest: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => ({ path: { id: await cast.askedBySubject() } }),
    problems: ["forbidden", "not_found"],
  },
  carryOutSubjectRequest: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => ({ path: { id: await cast.askedBySubject() }, body: {} }),
    problems: ["forbidden", "not_found"],
  },
  refuseSubjectRequest: {
    kind: "of-a-place",
    may: owners,
    ask: async (cast) => ({ path: { id: await cast.askedBySubject() }, body: { reason: "thử" } }),
    problems: ["forbidden", "not_found"],
  },
  makePoster: {
    kind: "of-a-place",
    may: managers,
    ask: (cast) => ({ ...place(cast), body: { format: "png", size: "A5", language: "both" } }),
  },
  exportEntries: {
    kind: "of-a-place",
    may: managers,
    ask: (cast) => ({
      ...place(cast),
      body: { format: "json", from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z" },
    }),
  },
};

/** The path of a call with its values in place. */
export function addressOf(name: keyof typeof operations, { path = {}, query }: Asked): string {
  const filled = operations[name].path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(path[key] ?? ""));
  return query === undefined ? filled : `${filled}?${query}`;
}
