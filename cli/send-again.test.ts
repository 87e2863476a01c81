import { expect, test } from "vitest";
import { ScriptedLine } from "../testing/faults/scripted-line.ts";
import { runTram } from "../testing/program.ts";

test("what the centre refused is kept, goes again when told, and nothing refused is said plainly", async () => {
  await using line = await ScriptedLine.start();
  const sendAgain = (...more: string[]) => runTram(["journal", "send-again", "--data", line.station.dataDir, ...more]);
  expect(await sendAgain()).toMatchObject({ code: 0, out: "No entry was refused; there is nothing to send again.\n" });

  line.centre.script = (_, answer) => answer.problem(422, "validation");
  const ids = [await line.scan(), await line.scan()];
  expect(await line.settled()).toEqual([]);
  expect(ids.map((id) => line.states().get(id))).toEqual(["quarantined", "quarantined"]);

  line.centre.script = (_, answer) => answer.storeAll();
  const { code, out } = await sendAgain("--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ released: 2, left: 0 });
  expect(await line.settled()).toEqual([]);
  expect(ids.every((id) => line.centre.stored.has(id))).toBe(true);

  await line.agent.kill();
  const alone = await sendAgain();
  expect(alone.code).not.toBe(0);
  expect(alone.err).toMatch(/No agent runs over .*start one/);
});
