import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/folder.ts";
import { isRunning } from "../testing/program.ts";
import { until } from "../testing/until.ts";
import { lockFolder } from "./folder-lock.ts";

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => folder[Symbol.dispose]());

/**
 * A process that holds the folder's lock and has a child of its own, in another network namespace where `namespace` says so.
 * Gives the child's pid.
 */
async function owner(...namespace: string[]) {
  const module = path.join(import.meta.dirname, "folder-lock.ts");
  const code = `
    import { spawn } from "node:child_process";
    const { lockFolder } = await import(${JSON.stringify(module)});
    await lockFolder(${JSON.stringify(folder.path)}, "agent", 0).catch((error) => { console.log(error.code); process.exit(); });
    globalThis.gc?.();
    const child = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
    console.log(child.pid);
    setInterval(() => globalThis.gc?.(), 50);
  `;
  const args = [...namespace, process.execPath, "--expose-gc", "--input-type=module", "-e", code];
  const child = spawn(args[0] ?? "", args.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: said.toString().trim() };
}

test("is taken by one process, and is free as soon as that one is killed, whatever its children do", async () => {
  const { child, said } = await owner();
  const grandchild = Number(said);
  try {
    await expect(lockFolder(folder.path, "agent", 300)).rejects.toMatchObject({ code: "data.in-use" });
    (await lockFolder(folder.path, "launcher", 0)).close();
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    expect(isRunning(grandchild)).toBe(true);
    (await lockFolder(folder.path, "agent", 300)).close();
  } finally {
    process.kill(grandchild, "SIGKILL");
  }
});

test("holds in this very process, until it is given back, and leaves an empty file", async () => {
  const lock = await lockFolder(folder.path);
  await expect(lockFolder(folder.path, "agent", 0)).rejects.toMatchObject({ code: "data.in-use" });
  lock.close();
  (await lockFolder(folder.path)).close();
  expect(statSync(path.join(folder.path, "agent.lock")).size).toBe(0);
});

test("is waited for while its owner is ending", async () => {
  const { child, said } = await owner();
  setTimeout(() => child.kill("SIGKILL"), 300);
  (await lockFolder(folder.path, "agent", 10_000)).close();
  process.kill(Number(said), "SIGKILL");
  await until("the owner is gone", () => !isRunning(child.pid ?? 0));
});

test("holds across network namespaces, as two containers over one folder have", async () => {
  const lock = await lockFolder(folder.path);
  const { said } = await owner("unshare", "--net", "--map-root-user");
  expect(said).toBe("data.in-use");
  lock.close();
});
