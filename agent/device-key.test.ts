import { createSecretKey, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { proofOf } from "../contract/dpop.ts";
import { credentialName, type SealingSecrets } from "../provisioning/key-sealing.ts";
import { temporaryFolder } from "../testing/folder.ts";
import { type DeviceKey, deviceKeyFile, loadDeviceKey } from "./device-key.ts";

let folder: ReturnType<typeof temporaryFolder>;
let file: string;
const station = createSecretKey(randomBytes(32));
beforeEach(() => {
  folder = temporaryFolder();
  file = path.join(folder.path, deviceKeyFile);
});
afterEach(() => folder[Symbol.dispose]());

const load = (more: Partial<SealingSecrets> = {}): Promise<DeviceKey> =>
  loadDeviceKey(file, { station, credentialsDirectory: undefined, ...more });

function credentials(secret: string | Buffer = randomBytes(32)): string {
  const directory = path.join(folder.path, "credentials");
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, credentialName), secret);
  return directory;
}

test("is made once, stays the same, and lies sealed in a file that its user alone reads", async () => {
  const made = await load();
  expect(made).toMatchObject({ backend: "file", problem: null });
  const again = await load();
  expect(again.key.thumbprint).toBe(made.key.thumbprint);
  expect(again.key.publicJwk).toEqual(made.key.publicJwk);
  expect(statSync(file).mode & 0o777).toBe(0o400);
  const content = readFileSync(file, "utf8");
  expect(content).toContain(made.key.publicJwk.x);
  expect(content).not.toContain("PRIVATE KEY");
  expect(content).not.toContain(Buffer.from("PRIVATE KEY").toString("base64").slice(2, 12));
  expect((await proofOf(again.key, { method: "GET", url: "http://x/" })).split(".")).toHaveLength(3);
});

test("is sealed by the service manager's secret as soon as there is one, and opens with both only", async () => {
  const made = await load();
  const credentialsDirectory = credentials();
  const moved = await load({ credentialsDirectory });
  expect(moved).toMatchObject({ backend: "systemd-credential", problem: null });
  expect(moved.key.thumbprint).toBe(made.key.thumbprint);
  const before = readFileSync(file);
  const without = await load();
  expect(without.backend).toBe("none");
  expect(without.problem).toContain("sealed with systemd-credential, which was not given to this start");
  const other = await load({ credentialsDirectory: credentials(randomBytes(32)) });
  expect(other.problem).toContain("does not open with this machine's systemd-credential");
  const foreign = await load({ credentialsDirectory, station: createSecretKey(randomBytes(32)) });
  expect(foreign.backend).toBe("none");
  // A key that does not open is never replaced: the centre knows the machine by it.
  expect(readFileSync(file)).toEqual(before);
});

test("a secret that is too short or unreadable is none", async () => {
  expect((await load({ credentialsDirectory: credentials("short") })).backend).toBe("file");
  expect((await load({ credentialsDirectory: path.join(folder.path, "nowhere") })).backend).toBe("file");
});

test.each(["", "{", "{}", '{"backend":"file","publicKey":{},"sealed":""}'])(
  "a damaged file (%j) is told and left, and the run goes on with a key of its own",
  async (content) => {
    await load();
    chmodSync(file, 0o600);
    writeFileSync(file, content);
    const { backend, problem, key } = await load();
    expect(backend).toBe("none");
    expect(problem).toMatch(
      /cannot be read: put it back from your backup, or delete it and enrol this machine anew\.$/,
    );
    expect(key.thumbprint).toMatch(/^[\w-]{43}$/);
    expect(readFileSync(file, "utf8")).toBe(content);
    expect(existsSync(file)).toBe(true);
  },
);
