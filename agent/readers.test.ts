import { describe, expect, test } from "vitest";
import { type AutoSpec, parseReaderChoice, type ReaderSpec } from "../drivers/reader-spec.ts";
import { descriptors, type PluggedIn, type PluggedTree, pluggedTree } from "../testing/plugged-tree.ts";
import { createPtyDevice } from "../testing/pty.ts";
import { until } from "../testing/until.ts";
import { Readers } from "./readers.ts";

// Readers that are found by themselves: a recorded /sys and /dev whose serial nodes are real pseudo-terminals.

/** Starts the readers and remembers scans as `reader name: text`. */
function start(tree: PluggedTree, ...choices: string[]) {
  const scans: string[] = [];
  const lanes: string[] = [];
  const logged: string[] = [];
  let changes = 0;
  const readers = new Readers({
    choices: choices.map((choice): ReaderSpec | AutoSpec => parseReaderChoice(choice)),
    system: tree.system,
    onScan: (scan, lane) => {
      scans.push(`${lane.name}: ${Buffer.from(scan.bytes).toString("utf8")}`);
      lanes.push(`${lane.readerId} ${lane.direction}`);
    },
    onChange: () => void changes++,
    log: (event, facts) => logged.push(`${event} ${JSON.stringify(facts)}`),
  });
  const states = (): string[] => readers.views.map(({ name, state }) => `${name} ${state}`);
  return {
    readers,
    scans,
    lanes,
    logged,
    changes: () => changes,
    states,
    become: (...wanted: string[]) =>
      until(`${wanted.join(", ")} instead of ${states().join(", ")}`, () => String(states()) === String(wanted)),
    [Symbol.asyncDispose]: () => readers[Symbol.asyncDispose](),
  };
}

const zebra = { vendor: "05e0", product: "1701", name: "DS2208" };
const on = (node: string, linkTo?: string): Pick<PluggedIn, "interfaces"> => ({
  interfaces: [{ serial: node, ...(linkTo === undefined ? {} : { linkTo }) }],
});

describe("readers found by themselves", () => {
  test("plugged in it reads, unplugged it is shown, back on another node it is the same reader", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    await using station = start(tree, "auto?direction=in");
    tree.plugIn({ ...zebra, port: "1-2", serial: "S7", ...on("ttyACM0", pty.path) });
    await station.become("DS2208 ready");
    await pty.write("FIRST\r");
    await until("the first scan", () => station.scans.length === 1);

    await pty.unplug();
    tree.unplug("1-2");
    await station.become("DS2208 fault");
    await until("unplugged is said", () => station.readers.views[0]?.message?.vi === "Đầu đọc bị rút; xin cắm lại dây");
    await until("it is retired", () => station.logged.some((line) => line.startsWith("reader.gone")));

    await pty.replug();
    tree.plugIn({ ...zebra, port: "1-4", serial: "S7", ...on("ttyACM5", pty.path) });
    await station.become("DS2208 ready");
    await pty.write("SECOND\r");
    await until("the second scan", () => station.scans.length === 2);
    expect(station.scans).toEqual(["DS2208: FIRST", "DS2208: SECOND"]);
    expect(new Set(station.lanes)).toEqual(new Set(["serial:usb:05e0:1701:S7 in"]));
  });

  test("two of one model without serial number are two lanes, by port", async () => {
    using tree = pluggedTree();
    await using left = await createPtyDevice();
    await using right = await createPtyDevice();
    tree.plugIn({ ...zebra, port: "1-1", ...on("ttyACM0", left.path) });
    await using station = start(tree, "auto");
    await station.become("DS2208 ready");
    tree.plugIn({ ...zebra, port: "1-2.3", ...on("ttyACM1", right.path) });
    await station.become("DS2208 ready", "DS2208 (2) ready");
    await right.write("RIGHT\r");
    await left.write("LEFT\r");
    await until("both scans", () => station.scans.length === 2);
    expect(station.scans.toSorted()).toEqual(["DS2208 (2): RIGHT", "DS2208: LEFT"]);
    expect(station.lanes.map((lane) => lane.replace(/ .*/, "")).toSorted()).toEqual([
      "serial:usb:05e0:1701@1-1",
      "serial:usb:05e0:1701@1-2.3",
    ]);
    // The other stays what it is when one goes, and no port is taken for its twin's.
    await left.unplug();
    tree.unplug("1-1");
    await station.become("DS2208 fault", "DS2208 (2) ready");
    await until("it is retired", () => station.logged.some((line) => line.startsWith("reader.gone")));
    await station.become("DS2208 fault", "DS2208 (2) ready");
  });

  test("one that is named, by address or by node, is opened once and keeps its name and direction", async () => {
    using tree = pluggedTree();
    await using byAddress = await createPtyDevice();
    await using byNode = await createPtyDevice();
    await using found = await createPtyDevice();
    await using station = start(
      tree,
      "auto",
      "serial:usb:05e0:1701:S1?name=Cổng 1&direction=out",
      `serial:${tree.dev}/ttyACM1?name=Cổng 2`,
    );
    tree.plugIn({ ...zebra, port: "1-1", serial: "S1", ...on("ttyACM0", byAddress.path) });
    tree.plugIn({ ...zebra, port: "1-2", serial: "S2", ...on("ttyACM1", byNode.path) });
    tree.plugIn({ ...zebra, port: "1-3", serial: "S3", ...on("ttyACM2", found.path) });
    await station.become("Cổng 1 ready", "Cổng 2 ready", "DS2208 ready");
    await byAddress.write("A\r");
    await byNode.write("B\r");
    await found.write("C\r");
    await until("three scans", () => station.scans.length === 3);
    expect(station.scans.toSorted()).toEqual(["Cổng 1: A", "Cổng 2: B", "DS2208: C"]);
    expect(station.lanes).toContain("serial:usb:05e0:1701:S1 out");
  });

  test("a setup barcode turns what cannot be read into a reader, and nothing of the old mode stays", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    const inIbmMode: PluggedIn = {
      ...zebra,
      port: "1-2",
      product: "1300",
      interfaces: [{ hid: "hidraw0", descriptor: descriptors.ibmHandHeld }],
    };
    await using station = start(tree, "auto");
    tree.plugIn(inIbmMode);
    await until("it is shown with what to do", () => station.readers.unusable[0]?.next.vi.includes("“USB CDC Host”"));
    expect(station.readers.views).toEqual([]);
    tree.unplug("1-2");
    tree.plugIn({ ...zebra, port: "1-2", ...on("ttyACM0", pty.path) });
    await station.become("DS2208 ready");
    expect(station.readers.unusable).toEqual([]);
    await pty.unplug();
    tree.unplug("1-2");
    tree.plugIn(inIbmMode);
    await until("the reader is forgotten", () => station.readers.views.length === 0);
    expect(station.readers.unusable).toHaveLength(1);
  });

  test("a device whose driver is still making its node is not called unusable meanwhile; without a driver it is", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    await using station = start(tree, "auto");
    await until("the first look", () => station.changes() > 0);
    tree.plugIn({ ...zebra, port: "1-1", serial: "BARE" });
    tree.plugIn({ ...zebra, port: "1-2", serial: "S1", ...on("ttyACM0", pty.path) });
    await station.become("DS2208 ready");
    expect(station.readers.unusable).toEqual([]);
    tree.plugIn({ port: "1-3", vendor: "2341", product: "0043", ...on("ttyACM1") });
    await until("it is still bare", () => station.readers.unusable[0]?.id === "usb:05e0:1701:BARE");
  });

  test("one that comes back keeps its name, also when its driver is slow to make the node", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    await using other = await createPtyDevice();
    await using station = start(tree, "auto");
    tree.plugIn({ ...zebra, port: "1-1", serial: "S1", ...on("ttyACM0", other.path) });
    await station.become("DS2208 ready");
    tree.plugIn({ ...zebra, port: "1-2", serial: "S2", ...on("ttyACM1", pty.path) });
    await station.become("DS2208 ready", "DS2208 (2) ready");
    await pty.unplug();
    tree.unplug("1-2");
    const goneCount = () => station.logged.filter((line) => line.startsWith("reader.gone")).length;
    await until("it is gone", () => goneCount() === 1);
    const before = station.changes();
    tree.plugIn({ ...zebra, port: "1-2", serial: "S2" });
    tree.plugIn({ port: "1-3", vendor: "2341", product: "0043", ...on("ttyACM7") });
    await until("a look without its node", () => station.changes() > before);
    expect(station.states()).toEqual(["DS2208 ready", "DS2208 (2) fault"]);
    tree.unplug("1-2");
    await pty.replug();
    tree.plugIn({ ...zebra, port: "1-2", serial: "S2", ...on("ttyACM1", pty.path) });
    await station.become("DS2208 ready", "DS2208 (2) ready");
  });

  test("a named one that is plugged in late is tried at once, not when its back-off is over", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    let looks = 0;
    const list = () => {
      looks++;
      return tree.system.list();
    };
    await using station = start(
      { ...tree, system: { ...tree.system, list } },
      "auto",
      "serial:usb:05e0:1701:S1?name=Cổng 1",
    );
    // Discovery looks once; each attempt to open looks up the address: after the fourth it waits five seconds.
    await until("four attempts", () => looks >= 5);
    tree.plugIn({ ...zebra, port: "1-1", serial: "S1", ...on("ttyACM0", pty.path) });
    await until("it is ready", () => station.states()[0] === "Cổng 1 ready", 4000);
  });

  test("so is one on a station whose readers are all named, and nothing else is looked for", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    let looks = 0;
    const list = () => {
      looks++;
      return tree.system.list();
    };
    await using station = start({ ...tree, system: { ...tree.system, list } }, "serial:usb:05e0:1701:S1?name=Cổng 1");
    await until("four attempts", () => looks >= 4);
    tree.plugIn({ ...zebra, port: "1-1", serial: "S1", ...on("ttyACM0", pty.path) });
    await until("it is ready", () => station.states()[0] === "Cổng 1 ready", 4000);
  });

  test("one that hangs and is unplugged keeps no other from being opened", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    const hanging = Promise.withResolvers<never[]>();
    let looks = 0;
    // The first look finds it, the second is its opening.
    const list = () => (++looks === 2 ? hanging.promise : tree.system.list());
    tree.plugIn({ ...zebra, port: "1-1", serial: "HANGS", ...on("ttyACM0") });
    await using station = start({ ...tree, system: { ...tree.system, list } }, "auto");
    await until("it hangs", () => looks === 2);
    tree.unplug("1-1");
    tree.plugIn({ ...zebra, port: "1-2", serial: "WELL", ...on("ttyACM1", pty.path) });
    await until("the other reads", () => station.states().includes("DS2208 (2) ready"), 4000);
    hanging.resolve([]);
  });

  test("of two without serial number that were unplugged, one that is back is not taken for the other", async () => {
    using tree = pluggedTree();
    await using left = await createPtyDevice();
    await using right = await createPtyDevice();
    await using station = start(tree, "auto");
    tree.plugIn({ ...zebra, port: "1-1", ...on("ttyACM0", left.path) });
    await station.become("DS2208 ready");
    tree.plugIn({ ...zebra, port: "1-2", ...on("ttyACM1", right.path) });
    await station.become("DS2208 ready", "DS2208 (2) ready");
    await Promise.all([left.unplug(), right.unplug()]);
    tree.unplug("1-1");
    tree.unplug("1-2");
    await until("both are gone", () => station.logged.filter((line) => line.startsWith("reader.gone")).length === 2);
    await right.replug();
    tree.plugIn({ ...zebra, port: "1-2", ...on("ttyACM1", right.path) });
    await station.become("DS2208 fault", "DS2208 (2) ready");
    // Another port for the one that is still away: that is this reader, moved.
    await left.replug();
    tree.plugIn({ ...zebra, port: "1-7", ...on("ttyACM0", left.path) });
    await station.become("DS2208 (2) ready", "DS2208 ready");
  });

  test("one whose node cannot be opened yet reads when it can", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    await using station = start(tree, "auto");
    // A plain file stands where the node will be.
    tree.plugIn({ ...zebra, port: "1-2", ...on("ttyACM0") });
    await station.become("DS2208 fault");
    tree.unplug("1-2");
    tree.plugIn({ ...zebra, port: "1-2", ...on("ttyACM0", pty.path) });
    await station.become("DS2208 ready");
  });

  test("a hub full of them does not take the machine, and one that flaps leaves one entry", {
    timeout: 60_000,
  }, async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    await using station = start(tree, "auto");
    for (let round = 0; round < 40; round++) {
      tree.plugIn({ ...zebra, port: "1-9", serial: "FLAP", ...on("ttyACM99", pty.path) });
      if (round < 39) tree.unplug("1-9");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await station.become("DS2208 ready");
    for (let port = 1; port <= 18; port++) {
      tree.plugIn({ ...zebra, port: `1-3.${port}`, serial: `R${port}`, ...on(`ttyACM${port}`) });
    }
    await until("three are too many", () => station.readers.unusable.length === 3);
    expect(station.readers.views).toHaveLength(16);
    expect(station.readers.views[0]).toMatchObject({ id: "serial:usb:05e0:1701:FLAP", state: "ready" });
    expect(station.readers.unusable[0]?.title.vi).toBe("Máy đã dùng đủ 16 đầu đọc");
    await pty.write("STILL READ\r");
    await until("the scan", () => station.scans.includes("DS2208: STILL READ"));
  });

  test("nothing is looked for when only named readers are asked for", async () => {
    using tree = pluggedTree();
    await using pty = await createPtyDevice();
    tree.plugIn({ ...zebra, port: "1-2", ...on("ttyACM0", pty.path) });
    await using named = start(tree, `serial:${pty.path}?name=Cổng 1`);
    await named.become("Cổng 1 ready");
    expect(named.readers.unusable).toEqual([]);
  });
});
