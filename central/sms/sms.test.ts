import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import path from "node:path";
import smpp, { type Pdu, type Session } from "smpp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { authority } from "../../testing/certificates.ts";
import { temporaryFolder } from "../../testing/folder.ts";
import { readSmsConfig } from "./config.ts";
import { httpGatewaySender } from "./http-gateway.ts";
import { partsOf, smppSender } from "./smpp.ts";
import { otpText } from "./text.ts";

const phone = "0900000002";
const code = "493817";
const noPause = async () => undefined;

let folder: ReturnType<typeof temporaryFolder>;
const open: Server[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const server of open.splice(0)) server.close();
  folder[Symbol.dispose]();
});

const file = () => path.join(folder.path, "sms.json");
function configOf(content: unknown, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(file(), typeof content === "string" ? content : JSON.stringify(content));
  return readSmsConfig(file(), env);
}

async function listening(server: Server): Promise<number> {
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("the text", () => {
  test("is plain and of one part unless diacritics are wanted; then of one or two", () => {
    const plain = otpText({ diacritics: false }, code);
    expect(plain).toMatch(/^[ -~]+$/);
    expect(plain).toContain(code);
    expect(partsOf(plain)).toHaveLength(1);
    const marked = otpText({ diacritics: true }, code);
    expect(marked).toContain("mã xác nhận là 493817");
    expect(partsOf(marked).length).toBeLessThanOrEqual(2);
  });

  test("ends with the line that binds the code to a site", () => {
    const text = otpText({ diacritics: false, originBound: "qr.example.vn", template: "Đây: {code}" }, code);
    expect(text).toBe("Day: 493817\n\n@qr.example.vn #493817");
  });
});

describe("an HTTP gateway", () => {
  interface Heard {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage["headers"];
    readonly body: string;
  }
  let heard: Heard[];
  let answer: (response: ServerResponse, count: number) => void;
  let port: number;
  beforeEach(async () => {
    heard = [];
    answer = (response) => response.end('{"result":{"code":"100"}}');
    port = await listening(
      createServer((request, response) => {
        let body = "";
        request.on("data", (chunk: Buffer) => {
          body += chunk.toString("utf8");
        });
        request.on("end", () => {
          heard.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
          answer(response, heard.length);
        });
      }),
    );
  });

  const sender = (more: object = {}, env: NodeJS.ProcessEnv = { SMS_KEY: 'k"&\u0111' }) => {
    const config = configOf(
      {
        kind: "http",
        url: `http://127.0.0.1:${port}/send?to={phone84}`,
        headers: { "X-Key": "{secret:key}" },
        body: '{"key":"{secret:key}","to":"{phone}","text":"{text}"}',
        secrets: { key: { env: "SMS_KEY" } },
        success: { pointer: "/result/code", equals: ["100", 100] },
        text: { diacritics: true, template: 'Mã "{code}"\n& <xong>' },
        ...more,
      },
      env,
    );
    if (config.kind !== "http") throw new Error("not http");
    return httpGatewaySender(config.gateway, config.secrets, noPause);
  };

  test("is called as its data says, each value escaped for where it stands", async () => {
    await sender({}, { SMS_KEY: 'k"&' }).send(phone, code, "staff");
    expect(heard).toHaveLength(1);
    const [call] = heard;
    expect(call?.url).toBe("/send?to=84900000002");
    expect(call?.headers).toMatchObject({ "x-key": 'k"&', "content-type": "application/json" });
    expect(JSON.parse(call?.body ?? "")).toEqual({ key: 'k"&', to: phone, text: 'Mã "493817"\n& <xong>' });
    await sender({ bodyFormat: "form", body: "t={text}&k={secret:key}" }, { SMS_KEY: "a=b&c" }).send(
      phone,
      code,
      "staff",
    );
    expect(Object.fromEntries(new URLSearchParams(heard[1]?.body))).toEqual({ t: 'Mã "493817"\n& <xong>', k: "a=b&c" });
    await sender({ bodyFormat: "xml", body: "<t>{text}</t>" }, { SMS_KEY: "k" }).send(phone, code, "staff");
    expect(heard[2]?.body).toBe("<t>Mã &#34;493817&#34;\n&#38; &#60;xong&#62;</t>");
  });

  const failing = async (more: object = {}) => {
    const fault: unknown = await sender(more, { SMS_KEY: "geheim" })
      .send(phone, code, "staff")
      .catch((error) => error);
    expect(JSON.stringify([String(fault), fault])).not.toMatch(/0900000002|493817|geheim/);
    return (fault as { code?: string }).code;
  };

  test("a reply that is no success by status or by pointer is a fault, which names no value", async () => {
    answer = (response) => response.end('{"result":{"code":"99"}}');
    expect(await failing()).toBe("http-refused");
    answer = (response) => response.end("<html>");
    expect(await failing()).toBe("http-refused");
    answer = (response) => response.writeHead(403).end();
    expect(await failing()).toBe("http-403");
    expect(heard).toHaveLength(3);
  });

  test("what may pass is tried again, five times in all", async () => {
    answer = (response, count) => (count < 3 ? response.writeHead(503).end() : response.end('{"result":{"code":100}}'));
    await sender({}, { SMS_KEY: "k" }).send(phone, code, "staff");
    expect(heard).toHaveLength(3);
    answer = (response) => void response.socket?.destroy();
    expect(await failing()).toBe("http-unreachable");
    expect(heard).toHaveLength(8);
  });

  test("no redirect is followed, an endless or silent reply ends", async () => {
    answer = (response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    expect(await failing()).toBe("http-302");
    expect(heard.map(({ url }) => url.split("?")[0])).toEqual(["/send"]);
    answer = (response) => void response.end("x".repeat(100_000));
    expect(await failing()).toBe("http-reply-too-large");
    answer = () => undefined;
    expect(await failing({ timeoutS: 1 })).toBe("http-timeout");
  }, 60_000);
});

describe("an SMPP centre", () => {
  interface Centre {
    readonly port: number;
    readonly binds: Pdu[];
    readonly submitted: Pdu[];
    readonly sessions: Session[];
    statuses: number[];
    cutNext: boolean;
  }

  async function startCentre(tls: { key?: string; cert?: string } = {}): Promise<Centre> {
    const centre: { -readonly [Name in keyof Centre]: Centre[Name] } = {
      port: 0,
      binds: [],
      submitted: [],
      sessions: [],
      statuses: [],
      cutNext: false,
    };
    const server = smpp.createServer(tls, (session) => {
      centre.sessions.push(session);
      session.on("error", () => session.destroy());
      session.on("bind_transmitter", (pdu: Pdu) => {
        centre.binds.push(pdu);
        session.send(pdu.response({ command_status: pdu.password === "secret" ? 0 : 0x0e }));
      });
      session.on("submit_sm", (pdu: Pdu) => {
        if (centre.cutNext) {
          centre.cutNext = false;
          return session.destroy();
        }
        centre.submitted.push(pdu);
        session.send(pdu.response({ command_status: centre.statuses.shift() ?? 0 }));
      });
      session.on("unbind", (pdu: Pdu) => {
        session.send(pdu.response());
        session.close();
      });
    });
    centre.port = await listening(server);
    return centre;
  }

  const senderTo = (port: number, more: object = {}) => {
    const config = configOf(
      { kind: "smpp", host: "127.0.0.1", port, systemId: "tram", password: { env: "P" }, source: "TRAMQR", ...more },
      { P: "secret" },
    );
    if (config.kind !== "smpp") throw new Error("not smpp");
    return smppSender(config.centre, config.password, noPause);
  };
  /** The text of what arrived, put together from its parts. */
  const textOf = (parts: readonly Pdu[]) =>
    parts.map(({ short_message }) => (short_message as { message: string }).message).join("");

  test("gets a plain text as GSM 03.38 over one bound connection", async () => {
    const centre = await startCentre();
    const sender = senderTo(centre.port);
    await sender.send(phone, code, "staff");
    await sender.send("0900000003", "000000", "staff");
    sender.close();
    expect(centre.binds).toHaveLength(1);
    expect(centre.binds[0]).toMatchObject({ system_id: "tram", password: "secret" });
    expect(centre.submitted).toHaveLength(2);
    expect(centre.submitted[0]).toMatchObject({
      source_addr: "TRAMQR",
      source_addr_ton: 5,
      destination_addr: "84900000002",
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      data_coding: 0,
      esm_class: 0,
    });
    expect(textOf(centre.submitted.slice(0, 1))).toBe(otpText({ diacritics: false }, code));
  });

  test("gets a long text with diacritics in parts that are put together again", async () => {
    const centre = await startCentre();
    const template = `Trạm QR Ỗ Ự Đ: ${"ề".repeat(120)} {code} 🍜`;
    const sender = senderTo(centre.port, { text: { diacritics: true, template } });
    await sender.send(phone, code, "staff");
    sender.close();
    expect(centre.submitted).toHaveLength(3);
    expect(centre.submitted.map(({ data_coding, esm_class }) => [data_coding, esm_class])).toEqual(
      Array(3).fill([8, 64]),
    );
    expect(textOf(centre.submitted)).toBe(template.replace("{code}", code));
  });

  test("letters of two septets and pairs of surrogates are not cut", () => {
    const gsm = partsOf("€".repeat(150), 7);
    expect(gsm.map(({ short_message }) => short_message.length - 6)).toEqual([152, 148]);
    expect(gsm[1]?.short_message.subarray(0, 6)).toEqual(Buffer.from([5, 0, 3, 7, 2, 2]));
    const pairs = partsOf("🍜".repeat(40), 7);
    expect(pairs.map(({ short_message }) => short_message.length - 6)).toEqual([132, 28]);
    expect(partsOf("x".repeat(160))).toHaveLength(1);
    expect(partsOf("x".repeat(161))).toHaveLength(2);
    expect(partsOf("ề".repeat(70))).toHaveLength(1);
    expect(partsOf("ề".repeat(71))).toHaveLength(2);
  });

  test("that throttles is asked again; that refuses is not", async () => {
    const centre = await startCentre();
    const sender = senderTo(centre.port);
    centre.statuses = [0x58, 0x14];
    await sender.send(phone, code, "staff");
    expect(centre.submitted).toHaveLength(3);
    centre.statuses = [0x0b];
    await expect(sender.send(phone, code, "staff")).rejects.toMatchObject({ code: "smpp-0x0b" });
    expect(centre.submitted).toHaveLength(4);
    sender.close();
  });

  test("that cuts the connection, or was away, is connected anew", async () => {
    const centre = await startCentre();
    const sender = senderTo(centre.port);
    centre.cutNext = true;
    await sender.send(phone, code, "staff");
    expect(centre.binds).toHaveLength(2);
    for (const session of centre.sessions) session.destroy();
    await sender.send(phone, code, "staff");
    expect(centre.submitted).toHaveLength(2);
    sender.close();
  });

  test("a wrong password and a silent centre are faults that name no secret", async () => {
    const centre = await startCentre();
    const wrong = senderTo(centre.port);
    const config = configOf(
      { kind: "smpp", host: "127.0.0.1", port: centre.port, systemId: "t", password: { env: "P" }, source: "1" },
      { P: "geheim" },
    );
    if (config.kind !== "smpp") throw new Error("not smpp");
    const fault: unknown = await smppSender(config.centre, config.password, noPause)
      .send(phone, code, "staff")
      .catch((error) => error);
    expect(fault).toMatchObject({ code: "smpp-0x0e" });
    expect(JSON.stringify([String(fault), fault])).not.toMatch(/geheim|493817|0900000002/);
    wrong.close();
    const silent = await listening(createServer());
    await expect(senderTo(silent, { timeoutS: 1 }).send(phone, code, "staff")).rejects.toMatchObject({
      code: expect.stringMatching(/^smpp-(timeout|connection)$/),
    });
  }, 60_000);

  test("over TLS its certificate is verified", async () => {
    const made = authority(folder.path);
    const { key, cert } = made.issue("127.0.0.1", Date.now() - 86_400_000, Date.now() + 86_400_000);
    const centre = await startCentre({ key, cert });
    await expect(senderTo(centre.port, { tls: true }).send(phone, code, "staff")).rejects.toMatchObject({
      code: "smpp-connection",
    });
    expect(centre.binds).toHaveLength(0);
  });
});

describe("the file", () => {
  const good = { kind: "smpp", host: "h", systemId: "s", password: { env: "P" }, source: "1" };
  const http = { kind: "http", url: "https://sms.example.vn/x", body: "{text}" };
  const cases: [string, unknown, RegExp][] = [
    ["is JSON", "{", /it is not valid JSON/],
    ["names a kind", {}, /"kind": "http" or "kind": "smpp"/],
    ["keeps no secret", { ...good, password: "clear" }, /"password" is wrong: must be \{"env"/],
    ["has its environment", good, /environment variable P, which is not set/],
    [
      "has its secret's file",
      { ...good, password: { file: "/nowhere/x" } },
      /\/nowhere\/x, which cannot be read \(ENOENT\)/,
    ],
    ["has a port", { ...good, port: 70_000 }, /"port" is wrong/],
    ["has no unknown names", { ...good, sytemId: "x" }, /sytemId/],
    ["uses https", { ...http, url: "http://sms.example.vn/" }, /"url" is wrong: must be an https/],
    ["has a fixed host", { ...http, url: "https://{phone}.example.vn/" }, /whose host has no placeholder/],
    ["carries the text", { ...http, body: "x" }, /must have \{text\}/],
    ["gives the secrets it uses", { ...http, body: "{text}{secret:k}" }, /"secrets.k" is wrong: is used and not given/],
    ["has the code in its text", { ...http, text: { template: "x" } }, /must have \{code\}/],
  ];
  test.each(cases)("%s", (_name, content, sentence) => {
    expect(() => configOf(content)).toThrow(sentence);
  });

  test("says one sentence for each mistake", () => {
    const wrong = { ...good, port: 0, source: "", password: "x" };
    let said = "";
    try {
      configOf(wrong);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said.split("\n")).toHaveLength(3);
    expect(said).not.toContain(": x");
  });
});
