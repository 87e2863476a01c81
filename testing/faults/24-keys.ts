import { spawn } from "node:child_process";
import { createPrivateKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { CarryFile } from "../../agent/carry/carry-file.ts";
import { deviceKeyFile, keepDeviceKey, newPrivateKey } from "../../agent/device-key.ts";
import { enrolmentFile } from "../../agent/enrolment/enrolment-file.ts";
import { dataKeysFile, unwrapDataKey, wrappedInFile } from "../../agent/journal/data-keys.ts";
import type { WireEntry } from "../../contract/entries.ts";
import { loadStationKeys } from "../../provisioning/secrets.ts";
import { type FakeCentre, startFakeCentre } from "../fake-centre.ts";
import { makeOwner, passphrase, type TestOwner } from "../owner.ts";
import type { Control, Fault, FaultOutcome } from "./fault.ts";
import { builtProgram, type Mutation } from "./mutated-program.ts";
import { type Issued, notInTime, Oracle, together } from "./oracle.ts";
import { answerSignIn, signInAtScreen } from "./signed-in.ts";
import { type AgentUnderTest, StationUnderTest } from "./station-under-test.ts";

const cardsBefore = 6;
const cardsAfter = 2;
const sentWithinMs = 60_000;

/** What a trouble may reach. */
interface Keys {
  readonly dataDir: string;
  readonly stationKey: string;
  readonly owner: TestOwner;
  /** Somebody who is made the owner later. */
  readonly successor: TestOwner;
  /** The public key that the station's configuration names. */
  readonly configured: string;
}

interface Trouble {
  readonly name: string;
  readonly make: (keys: Keys) => void;
  /** What the refusal must say; null when the station goes on recording. */
  readonly refuses: RegExp | null;
  /** Whether the station can still send what it recorded before. */
  readonly sendsOld: boolean;
  /** Who can read the machine's rows afterwards; the owner unless said otherwise. */
  readonly readableBy?: "successor";
  /** Nobody is known any more: somebody signs in before anything is sent. */
  readonly signsIn?: true;
  /** A person puts the right key back. */
  readonly mend?: (keys: Keys, stationKey: Buffer, publicKey: Buffer) => void;
}

const putStationKeyBack: NonNullable<Trouble["mend"]> = ({ stationKey }, content) => replace(stationKey, content);
const putOwnerKeyBack: NonNullable<Trouble["mend"]> = ({ configured }, _, content) => replace(configured, content);

const troubles: readonly Trouble[] = [
  {
    name: "station.key gone",
    make: ({ stationKey }) => rmSync(stationKey),
    refuses: /is missing but the journal beside it holds rows.*tram journal recover/,
    sendsOld: true,
    mend: putStationKeyBack,
  },
  {
    name: "station.key cut short",
    make: ({ stationKey }) => replace(stationKey, readFileSync(stationKey).subarray(0, 20)),
    refuses: /is damaged \(20 bytes instead of 32\).*tram journal recover/,
    sendsOld: true,
    mend: putStationKeyBack,
  },
  {
    name: "one bit of station.key",
    make: ({ stationKey }) => replace(stationKey, flipped(readFileSync(stationKey))),
    refuses: /station\.key .*is not the one.*tram journal recover/,
    sendsOld: true,
    mend: putStationKeyBack,
  },
  {
    name: "station.key of another machine",
    make: ({ stationKey }) => replace(stationKey, randomBytes(32)),
    refuses: /station\.key .*is not the one.*tram journal recover/,
    sendsOld: true,
    mend: putStationKeyBack,
  },
  {
    name: "the configured owner key gone",
    make: ({ configured }) => rmSync(configured),
    refuses: /owner's public key .* cannot be read/,
    sendsOld: true,
    mend: putOwnerKeyBack,
  },
  {
    name: "the owner's private key configured by mistake",
    make: ({ configured, owner }) => replace(configured, readFileSync(owner.privateFile)),
    refuses: /holds the owner's private key; take it off this machine/,
    sendsOld: true,
    mend: putOwnerKeyBack,
  },
  {
    name: "another owner's key configured",
    make: ({ configured, successor }) => replace(configured, readFileSync(successor.publicFile)),
    refuses: null,
    sendsOld: true,
    readableBy: "successor",
  },
  {
    name: "the wrapped key damaged in the journal",
    make: ({ dataDir }) => inJournal(dataDir, "UPDATE data_key SET device_wrap = zeroblob(60)"),
    refuses: null,
    sendsOld: true,
  },
  {
    name: "the wrapped keys gone from the journal",
    make: ({ dataDir }) => inJournal(dataDir, "DELETE FROM data_key"),
    refuses: null,
    sendsOld: true,
  },
  {
    name: "the copy of the keys torn",
    make: ({ dataDir }) => {
      const file = path.join(dataDir, dataKeysFile);
      writeFileSync(file, readFileSync(file).subarray(0, 100));
    },
    refuses: null,
    sendsOld: true,
  },
  {
    name: "the wrapped key damaged in both places",
    make: ({ dataDir }) => {
      inJournal(dataDir, "UPDATE data_key SET device_wrap = zeroblob(60)");
      rmSync(path.join(dataDir, dataKeysFile));
    },
    refuses: null,
    sendsOld: false,
  },
  ...(
    [
      ["device.key gone", (file) => rmSync(file)],
      ["device.key cut short", (file) => replace(file, readFileSync(file).subarray(0, 100))],
      ["one bit of device.key", (file) => replace(file, flipped(readFileSync(file)))],
    ] satisfies [string, (file: string) => void][]
  ).map(
    ([name, make]): Trouble => ({
      name,
      make: ({ dataDir }) => make(path.join(dataDir, deviceKeyFile)),
      refuses: null,
      sendsOld: true,
    }),
  ),
  {
    name: "the sign-in file damaged",
    make: ({ dataDir }) => {
      const file = path.join(dataDir, "duty.sealed");
      writeFileSync(file, flipped(readFileSync(file)));
    },
    refuses: null,
    sendsOld: true,
    signsIn: true,
  },
  {
    name: "the enrolment file torn",
    make: ({ dataDir }) => writeFileSync(path.join(dataDir, enrolmentFile), '{"centre":"http'),
    refuses: null,
    sendsOld: true,
  },
];

/** The keys of a station break in every way; nothing accepted may be lost, and nothing may leak. */
async function breakKeys(program = builtProgram, suffered: readonly Trouble[] = troubles): Promise<FaultOutcome> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "tram-keys-"));
  try {
    const owners = { owner: await makeOwner(folder), successor: await makeOwner(folder, "successor") };
    const parts: FaultOutcome["judged"][] = [];
    let [refused, recovered] = [0, 0];
    for (const [index, trouble] of suffered.entries()) {
      const part = await suffer(
        trouble,
        owners,
        new Oracle(index * 100),
        program,
        mkdtempSync(path.join(folder, "t-")),
      );
      refused += part.refused;
      recovered += part.recovered;
      parts.push(part.judged);
    }
    return {
      counts: { troubles: suffered.length, refused, "rows the owner read": recovered },
      judged: together(...parts),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function suffer(
  trouble: Trouble,
  { owner, successor }: Pick<Keys, "owner" | "successor">,
  oracle: Oracle,
  program: string,
  folder: string,
): Promise<{ refused: number; recovered: number; judged: FaultOutcome["judged"] }> {
  const found = { I1: [] as string[], I4: [] as string[], I6: [] as string[], I7: [] as string[] };
  const tell = (name: keyof typeof found, sentence: string): void =>
    void found[name].push(`${trouble.name}: ${sentence}`);
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  await centre.down();
  const configured = path.join(folder, "configured.pub.pem");
  cpSync(owner.publicFile, configured);
  const config = { journal: { ownerKey: configured } };
  await using station = new StationUnderTest({ oracle, program, central: centre.url, config });
  const keys: Keys = {
    dataDir: station.dataDir,
    stationKey: path.join(station.dataDir, "station.key"),
    owner,
    successor,
    configured,
  };
  const cards: Issued[] = [];
  const scan = async (agent: AgentUnderTest, count: number): Promise<void> => {
    for (let done = 0; done < count; done++) {
      const card = oracle.issue();
      cards.push(card);
      if ((await agent.scan(card))?.verdict !== "accept") tell("I4", `card ${card.index} was not accepted`);
    }
  };
  const pem = await newPrivateKey();
  await keepDeviceKey(path.join(station.dataDir, deviceKeyFile), pem, {
    station: loadStationKeys(keys.stationKey, true).device,
    credentialsDirectory: undefined,
  });
  const before = await station.start();
  await scan(before, cardsBefore);
  await before.kill();
  const old = new Set(oracle.acceptedIds);
  const [stationKey, publicKey] = [readFileSync(keys.stationKey), readFileSync(configured)];
  const secrets = secretsOf(station.dataDir, { stationKey, pem, owner, cards });
  trouble.make(keys);

  let agent = station.launch();
  const isReady = await agent.ready();
  const mended = trouble.mend;
  if (trouble.refuses !== null) {
    if (isReady) {
      tell("I4", "the station started and took scans with keys that do not fit");
      await scan(agent, 1);
      await agent.kill();
    } else if (!trouble.refuses.test(station.log()))
      tell("I4", `the refusal does not say it: ${station.log().slice(-300)}`);
  } else if (!isReady) tell("I4", `the station did not go on: ${station.log().slice(-300)}`);
  else await scan(agent, cardsAfter);

  // The machine is lost now, as far as the owner knows: the folder without station.key.
  const reader = trouble.readableBy === "successor" ? successor : owner;
  const recovered = await recover(station.dataDir, reader, program, folder);
  for (const id of old) if (!recovered.has(id)) tell("I1", `the owner's key did not recover ${id}`);

  if (trouble.refuses !== null && mended !== undefined) {
    mended(keys, stationKey, publicKey);
    agent = station.launch();
    if (!(await agent.ready())) tell("I6", `it does not start with the right key: ${station.log().slice(-300)}`);
    else await scan(agent, cardsAfter);
  }
  station.hearAll();
  await centre.up();
  if (trouble.signsIn) await signInAtScreen(agent);
  const sendable = [...oracle.acceptedIds].filter((id) => trouble.sendsOld || !old.has(id));
  found.I6.push(
    ...(await notInTime(
      `${trouble.name}: everything that can be sent is sent`,
      () => sendable.every((id) => centre.stored.has(id)),
      sentWithinMs,
    )),
  );
  await agent.kill();
  for (const leak of leaksIn([station.dataDir, path.dirname(station.logFile), folder], secrets)) tell("I7", leak);
  return {
    refused: Number(!isReady),
    recovered: recovered.size,
    judged: together(oracle.judge({ centre: delivered(centre, recovered), healed: true }), found),
  };
}

/** What is at the centre, with what the owner can bring there. */
function delivered({ stored, conflicts }: FakeCentre, recovered: ReadonlyMap<string, WireEntry>) {
  return { stored: new Map([...recovered, ...stored]), conflicts };
}

/** `tram journal recover` on a copy of the folder, by the owner alone. */
async function recover(
  dataDir: string,
  owner: TestOwner,
  program: string,
  folder: string,
): Promise<Map<string, WireEntry>> {
  const copy = path.join(folder, "found");
  cpSync(dataDir, copy, { recursive: true });
  rmSync(path.join(copy, "station.key"), { force: true });
  const out = path.join(folder, "out.carry");
  const args = ["journal", "recover", "--data", copy, "--owner-key", owner.privateFile, "--out", out, "--json"];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.on("error", () => {});
  child.stdin.end(`${passphrase}\n`);
  await once(child, "close");
  const entries = new Map<string, WireEntry>();
  try {
    using carried = new CarryFile(out, owner.privateKey);
    for (const batch of carried.batches())
      for (const entry of batch) entries.set(entry.id, entry as unknown as WireEntry);
  } catch {
    // There is no such file: nothing was recovered, and that is judged.
  }
  return entries;
}

interface Secrets {
  readonly stationKey: Buffer;
  /** The device key's private part. */
  readonly pem: string;
  readonly owner: TestOwner;
  readonly cards: readonly Issued[];
}

/** What may stand in no file in clear: people, keys, tokens, the passphrase. */
function secretsOf(dataDir: string, { stationKey, pem, owner, cards }: Secrets): Map<string, readonly Buffer[]> {
  const forms = (secret: Buffer): Buffer[] => [
    secret,
    ...(["hex", "base64", "base64url"] as const).map((form) => Buffer.from(secret.toString(form))),
  ];
  const dataKeys = wrappedInFile(path.join(dataDir, dataKeysFile)).flatMap((wrapped) => {
    const key = unwrapDataKey(owner.privateKey, wrapped);
    return key === null ? [] : [key.export()];
  });
  return new Map<string, readonly Buffer[]>([
    ["the station key", forms(stationKey)],
    ["the device key", [...forms(Buffer.from(pem)), ...forms(scalarOf(pem))]],
    ["a token", ["access-0", "refresh-0"].map((token) => Buffer.from(token))],
    ["the passphrase", [Buffer.from(passphrase)]],
    ...dataKeys.map((key) => ["a data key", forms(key)] as const),
    ...cards.map(({ index, payload }) => {
      const bytes = Buffer.from(payload, "utf8");
      return [`card ${index}`, [bytes, Buffer.from(bytes.toString("base64")), bytes.subarray(0, 30)]] as const;
    }),
  ]);
}

/** The secret number of a P-256 key. */
function scalarOf(pem: string): Buffer {
  const { d = "" } = createPrivateKey(pem).export({ format: "jwk" });
  return Buffer.from(d, "base64url");
}

function leaksIn(folders: readonly string[], secrets: ReadonlyMap<string, readonly Buffer[]>): string[] {
  const files = new Set(
    folders.flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((item) => item.isFile() && item.name !== "station.key")
        .map((item) => path.join(item.parentPath, item.name)),
    ),
  );
  return [...files].flatMap((file) => {
    const content = readFileSync(file);
    return [...secrets]
      .filter(([, forms]) => forms.some((form) => content.includes(form)))
      .map(([name]) => `${name} stands in clear in ${path.basename(file)}`);
  });
}

function replace(file: string, content: Uint8Array): void {
  rmSync(file, { force: true });
  writeFileSync(file, content);
  chmodSync(file, 0o400);
}

function flipped(bytes: Buffer): Buffer {
  bytes[7] = (bytes[7] ?? 0) ^ 1;
  return bytes;
}

function inJournal(dataDir: string, sql: string): void {
  const database = new Database(path.join(dataDir, "journal.db"));
  database.exec(sql);
  database.close();
}

const control = (
  what: string,
  breaks: Control["breaks"],
  name: string,
  ...mutations: readonly Mutation[]
): Control => ({
  without: what,
  breaks,
  mutations,
  run: (program) =>
    breakKeys(
      program,
      troubles.filter((trouble) => trouble.name === name),
    ),
});

export const fault: Fault = {
  number: 24,
  name: "key trouble",
  everyCommit: false,
  run: () => breakKeys(),
  controls: [
    control("the owner's wrap of the data keys", ["I1"], "station.key gone", {
      text: "ownerWrap: owner === null ? null : wrapForOwner(owner, plain, placeOf(id))",
      by: "ownerWrap: null",
      times: 1,
    }),
    control("the second copy of the wrapped keys", ["I1", "I6"], "the wrapped key damaged in the journal", {
      text: "for (const wrapped of [...inTable, ...inFile])",
      by: "for (const wrapped of inTable)",
      times: 1,
    }),
    control("refusing another machine's station.key", ["I4"], "station.key of another machine", {
      text: "throw foreignKeyFault();",
      by: "return;",
      times: 1,
    }),
    control("sealing the rows", ["I7"], "station.key gone", {
      text: 'return seal(key, Buffer.from(JSON.stringify(body), "utf8"), associatedData(row));',
      by: 'return Buffer.from(JSON.stringify(body), "utf8");',
      times: 1,
    }),
  ],
};
