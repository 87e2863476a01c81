import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { launchChromium } from "../chromium.ts";
import { startFakeCentre } from "../fake-centre.ts";
import { typed } from "../key-strokes.ts";
import { openWatched, type WatchedPage } from "../kiosk-driver.ts";
import { openPageKeys, type PageKeys } from "../page-keys.ts";
import type { PtyDevice } from "../pty.ts";
import { Chance } from "./chance.ts";
import type { Effort, Fault, FaultOutcome } from "./fault.ts";
import { HeldReaders } from "./held-readers.ts";
import { builtProgram } from "./mutated-program.ts";
import { notInTime, Oracle, together } from "./oracle.ts";
import { answerSignIn } from "./signed-in.ts";
import { StationUnderTest } from "./station-under-test.ts";

/** Planted as the first of the words of every name: screens show its first letter and no more. */
const canary = "CANARYX";
/** No test uses it elsewhere. */
const phone = "0912345678";
const token = "canary-token";
const seed = 21;
const typedAtPage: Record<Effort, number> = { fast: 3, full: 20 };
const fuzzed: Record<Effort, number> = { fast: 400, full: 10_000 };
/** So many are thrown at a reader before a person must be recorded as if nothing had been. */
const between = 50;

/** A card of another invented person each time, with this in its name or its address. */
function card(index: number, name: string, address = "So 1"): string {
  return `079098${String(index).padStart(6, "0")}|024123456|${canary} NGUYEN ${name}|01011998|Nam|${address}|01012022`;
}

const inNames = [
  "<img/src=x/onerror=document.title='owned'>",
  "<script>document.title='owned'</script>",
  "=HYPERLINK(0)",
  "{{7*7}}#{7*7}",
  "%s%n%x%d",
  "__proto__",
  "'--",
  '");DROP TABLE entry;--',
  "\u202eAB\u2066CD\u2069",
  "A\u200bB\u200fC\ufeff",
  "javascript:document.title='owned'",
  "A\u0000B",
  "A\u001b[2J\u001b]0;owned\u0007",
  "A\u0080\u009bB",
  "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
  "\u{1f1fb}\u{1f1f3}",
];
const hostileBytes = [
  [0x00],
  [0x1b, 0x5b, 0x32, 0x4a],
  [0xff, 0xfe],
  [0xc3, 0x28],
  [0xed, 0xa0, 0x80],
  [0xf8, 0x88],
  [0x7f],
];
const notEvenCards = [
  "",
  "=cmd|' /C calc'!A0",
  "'; DROP TABLE entry; --",
  '{"__proto__":{"isAdmin":true}}',
  "constructor|prototype|__proto__",
  `<script>document.title='${canary}'</script>`,
  "\u001b[2J\u001b[H\u0007",
  "%s%s%s%n",
  "|".repeat(2_000),
  "\u202e\u2066\u200b",
];

function fixedPayloads(): Buffer[] {
  let index = 0;
  return [
    ...inNames.map((name) => Buffer.from(card(++index, name))),
    ...inNames.map((address) => Buffer.from(card(++index, "B", address))),
    ...hostileBytes.map((bytes) =>
      Buffer.concat([
        Buffer.from(card(++index, "B").replace(/B\|.*/, "")),
        Buffer.from(bytes),
        Buffer.from("B|01011998|Nam|So 1|01012022"),
      ]),
    ),
    ...notEvenCards.map((text) => Buffer.from(text)),
    Buffer.from(card(++index, "B", "x".repeat(3_000))),
    Buffer.alloc(1 << 20, "x"),
  ];
}

/** A card to which something was done: bytes changed, put in, taken out, or nothing of a card at all. */
function fuzzedPayload(index: number, chance: Chance): Buffer {
  const bytes = [...Buffer.from(card(100_000 + index, chance.of(inNames), chance.of(inNames)))];
  if (chance.next() < 0.1) return Buffer.from(Array.from({ length: chance.below(400) }, () => chance.below(256)));
  for (let changes = chance.below(4); changes >= 0; changes--) {
    const at = chance.below(bytes.length);
    const odd = chance.next();
    if (odd < 0.4) bytes[at] = chance.below(256);
    else if (odd < 0.7) bytes.splice(at, 0, ...chance.of(hostileBytes));
    else if (odd < 0.9) bytes.splice(at, chance.below(5));
    else bytes.length = at + 1;
  }
  return Buffer.from(bytes);
}

/** The scans that a reader makes of these bytes; the rules are those of `drivers/framing/byte-framer.ts`. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  let from = 0;
  for (let at = 0; at <= bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== undefined && ![0x03, 0x04, 0x09, 0x0a, 0x0d].includes(byte)) continue;
    let [start, end] = [from, at];
    while (start < end && (bytes[start] === 0x01 || bytes[start] === 0x02)) start++;
    while (end > start && bytes[end - 1] === 0) end--;
    const frame = bytes
      .subarray(start, end)
      .toString("latin1")
      .replace(/^\][A-Za-z][0-9A-Za-z]/, "");
    if (frame !== "") frames.push(Buffer.from(frame, "latin1"));
    from = at + 1;
  }
  return frames;
}

/** Whoever stands at the gate holds whatever a printer can print to a reader, and types it at the page. */
async function holdHostileCodes(effort: Effort, program = builtProgram): Promise<FaultOutcome> {
  const oracle = new Oracle(500_000);
  await using centre = await startFakeCentre();
  answerSignIn(centre);
  const answer = centre.other;
  centre.other = (name, body, reply) => {
    answer(name, body, {
      ...reply,
      json: (status, value, headers) => reply.json(status, withCanary(value), headers),
    });
  };
  await using readers = await HeldReaders.plugIn(1);
  const pty = readers.ptys[0] as PtyDevice;
  await using station = new StationUnderTest({
    oracle,
    program,
    central: centre.url,
    readers: readers.specs(),
    signedIn: false,
  });
  const agent = await station.start();
  await readers.heardBy(agent);
  const browser = await launchChromium();
  try {
    await using watched = await openWatched(
      browser,
      String(station.said.lines().find(({ event }) => event === "ready")?.kiosk),
      [canary, token],
    );
    const page = new PageUnderAttack(watched);
    await page.isReady();
    await signIn(agent);

    const wrong: string[] = [];
    const stuck: string[] = [];
    const chance = new Chance(seed);
    const payloads = [
      ...fixedPayloads(),
      ...Array.from({ length: fuzzed[effort] }, (_, index) => fuzzedPayload(index, chance)),
    ];
    for (let first = 0; first < payloads.length; first += between) {
      const before = readers.said(pty).length;
      let expected = 0;
      for (const payload of payloads.slice(first, first + between)) {
        const frames = framesOf(payload);
        for (const frame of frames) oracle.issueThis(frame);
        expected += frames.length;
        await pty.write(Buffer.concat([payload, Buffer.from("\r\n")]));
      }
      const person = oracle.issue();
      await pty.write(`${person.payload}\r\n`);
      const recorded = (): boolean =>
        readers.said(pty).at(-1)?.outcome.verdict === "accept" && readers.said(pty).length > before + expected;
      stuck.push(...(await notInTime(`person ${person.index} is recorded after hostile codes`, recorded, 20_000)));
      if (readers.said(pty).length < before + expected + 1)
        wrong.push(`of ${expected} codes ${readers.said(pty).length - before - 1} were answered`);
      if (stuck.length > 0) break;
      await page.look();
    }
    let typedCodes = 0;
    for (const name of inNames.filter((each) => /^[ -~]+$/.test(each)).slice(0, typedAtPage[effort])) {
      const text = card(300_000 + typedCodes++, name.replaceAll(" ", ""));
      oracle.issueThis(text);
      await page.type(text);
      stuck.push(
        ...(await notInTime(
          `what was typed is answered (${typedCodes})`,
          () => readers.saidOf("page:keyboard").length >= typedCodes,
        )),
      );
      await page.look();
    }
    const late = await notInTime(
      "everything accepted is sent",
      () => {
        station.hearAll();
        return oracle.allStoredAt(centre);
      },
      60_000,
    );
    await page.isReady();
    await page.look();
    const shown = await watched.page.locator("body").innerText();
    await agent.kill();
    station.hearAll();
    const leaks = [
      ...watched.leaks,
      ...leaksIn(station.dataDir),
      ...leaksIn(path.dirname(station.logFile), ["log", "said"]),
    ];
    if (shown.includes(canary)) leaks.push("the idle screen shows the canary");
    return {
      counts: {
        "hostile codes": payloads.length,
        "typed at the page": typedCodes,
        accepted: oracle.acceptedCount,
        "looks at the page": watched.looks.document,
      },
      judged: together(oracle.judge({ journal: station.journal(), centre, healed: true }), {
        I4: [...wrong, ...stuck],
        I6: late,
        I7: [...leaks, ...page.harm, ...watched.strangers, ...watched.complaints],
      }),
    };
  } finally {
    await browser.close();
  }
}

function withCanary(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/"(access|refresh)-(\d+)"/g, `"${token}-$1-$2"`));
}

async function signIn(agent: Parameters<HeldReaders["heardBy"]>[0]): Promise<void> {
  const client = await agent.client();
  client.send({ kind: "sign-in", phone });
  await client.view(({ duty }) => (duty.state === "code-sent" ? true : undefined), 20_000, "code");
  client.send({ kind: "verify", code: "424242" });
  await client.view(({ duty }) => (duty.state === "signed-in" ? true : undefined), 20_000, "sign-in");
}

/** The kiosk page while hostile text is drawn on it and typed at it. */
class PageUnderAttack {
  readonly #watched: WatchedPage;
  readonly #url: string;
  readonly harm: string[] = [];
  #elements: string | null = null;
  #keys: PageKeys | null = null;

  constructor(watched: WatchedPage) {
    this.#watched = watched;
    const { page } = watched;
    this.#url = page.url();
    page.on("framenavigated", () => this.harm.push(`the page went to ${page.url()}`));
    page.on("popup", () => this.harm.push("the page opened a window"));
    page.on("dialog", (dialog) => {
      this.harm.push("the page opened a dialogue");
      void dialog.dismiss();
    });
  }

  /** Waits until the page invites the next person. */
  async isReady(): Promise<void> {
    await this.#watched.page.locator('.stage[data-state="ready"]').waitFor({ timeout: 20_000 });
  }

  /** Nothing of what was drawn has become more than text. */
  async look(): Promise<void> {
    const { page } = this.#watched;
    const found = await page.evaluate(() => ({
      title: document.title,
      active: [...document.querySelectorAll("script, img, iframe, object, embed, a, form, link, base, meta, style")]
        .map(({ localName }) => localName)
        .toSorted()
        .join(),
      handlers: [...document.querySelectorAll("*")].filter((each) =>
        each.getAttributeNames().some((name) => name.startsWith("on")),
      ).length,
    }));
    this.#elements ??= found.active;
    if (found.active !== this.#elements) this.harm.push(`the page holds ${found.active} instead of ${this.#elements}`);
    if (found.handlers > 0) this.harm.push("an element of the page has a handler in its text");
    if (found.title.includes("owned")) this.harm.push("a scanned text ran as a program");
    if (page.url() !== this.#url) this.harm.push(`the page went to ${page.url()}`);
  }

  /** As a reader in keyboard mode. */
  async type(text: string): Promise<void> {
    this.#keys ??= await openPageKeys(this.#watched.page);
    await this.#keys.playLive(typed(`${text}\n`), 2);
  }
}

/** The canary in clear, or as base64 or hex, in files of a folder. */
function leaksIn(folder: string, names = readdirSync(folder, { recursive: true, encoding: "utf8" })): string[] {
  const forms = [canary, phone, token].flatMap((text) => [
    Buffer.from(text),
    Buffer.from(Buffer.from(text).toString("hex")),
    // In whichever of the three places of base64 it begins, so much of it is the same.
    ...[0, 1, 2].map((lead) =>
      Buffer.from(
        Buffer.from("0".repeat(lead) + text)
          .toString("base64")
          .slice(lead + 1, -4),
      ),
    ),
  ]);
  return names.flatMap((name) => {
    const file = path.join(folder, name);
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch {
      return [];
    }
    return forms.filter((form) => bytes.includes(form)).map((form) => `${name} holds ${form.toString()}`);
  });
}

/** Text that becomes elements: what a page does that trusts what it draws. */
function withTrustingPage(program: string): void {
  const page = path.join(path.dirname(program), "..", "kiosk");
  const original = path.join(path.dirname(builtProgram), "..", "kiosk");
  rmSync(page);
  cpSync(original, page, { recursive: true });
  let found = 0;
  for (const name of readdirSync(path.join(page, "assets"))) {
    if (!name.startsWith("index-") || !name.endsWith(".js")) continue;
    const file = path.join(page, "assets", name);
    const trusting = readFileSync(file, "utf8").replace(/\w+\.createTextNode\((\w+)\)/g, (_, text) => {
      found++;
      return `((made)=>Object.defineProperty(made,"data",{get:()=>made.innerHTML,set:(to)=>{made.innerHTML=to}}))(Object.assign(document.createElement("span"),{innerHTML:${text}}))`;
    });
    writeFileSync(file, trusting);
  }
  if (found === 0) throw new Error("The page makes no text node any more: correct the control.");
}

export const fault: Fault = {
  number: 21,
  name: "hostile codes",
  everyCommit: true,
  run: (effort) => holdHostileCodes(effort),
  controls: [
    {
      without: "keeping the scanned bytes as they are",
      breaks: ["I2"],
      mutations: [
        {
          text: 'rawB64: Buffer.from(request.bytes).toString("base64")',
          by: 'rawB64: Buffer.from(new TextDecoder().decode(request.bytes)).toString("base64")',
          times: 1,
        },
      ],
      run: (program) => holdHostileCodes("fast", program),
    },
    {
      without: "logs that hold no payload",
      breaks: ["I7"],
      mutations: [
        {
          text: "const codes = recognise(scan.bytes,",
          by: 'this.#options.log("read", { text: Buffer.from(scan.bytes).toString("latin1") }); const codes = recognise(scan.bytes,',
          times: 1,
        },
      ],
      run: (program) => holdHostileCodes("fast", program),
    },
    {
      without: "a page that draws text as text",
      breaks: ["I7"],
      mutations: [],
      run: (program) => {
        withTrustingPage(program);
        return holdHostileCodes("fast", program);
      },
    },
  ],
};
