import { randomInt } from "node:crypto";
import smpp, { type Pdu, type Session } from "smpp";
import type { OtpSender } from "../otp-senders.ts";
import type { SmppConfig } from "./config.ts";
import { persistently, SmsFault } from "./sms-fault.ts";
import { otpText } from "./text.ts";

/** Command statuses that another attempt may mend: system error, queue full, throttled (SMPP 3.4, section 5.1.3). */
const passing = [0x08, 0x14, 0x58];
const ucs2 = 0x08;
const userDataHeader = 0x40;
/** The connection of a message is kept for the next ones this long. */
const idleMs = 30_000;
const international = { ton: 1, npi: 1 };

/** One part of a message as `submit_sm` carries it. */
export interface MessagePart {
  readonly data_coding: number;
  readonly esm_class: number;
  readonly short_message: Buffer;
}

/**
 * A text as parts: GSM 03.38 where its letters allow it (160 characters, 153 in each of several parts), else UCS-2 (70,
 * and 67). Parts have an 8-bit concatenation header (3GPP TS 23.040, section 9.2.3.24.1).
 */
export function partsOf(text: string, reference = randomInt(256)): MessagePart[] {
  const isGsm = smpp.encodings.ASCII.match(text);
  const encoding = isGsm ? smpp.encodings.ASCII : smpp.encodings.UCS2;
  const data_coding = isGsm ? 0 : ucs2;
  const whole = encoding.encode(text);
  if (whole.length <= (isGsm ? 160 : 140)) return [{ data_coding, esm_class: 0, short_message: whole }];
  const room = isGsm ? 153 : 134;
  const pieces: Buffer[][] = [[]];
  let taken = 0;
  // By letters: neither an escaped one nor a pair of surrogates may be cut.
  for (const letter of text) {
    const bytes = encoding.encode(letter);
    if (taken + bytes.length > room) {
      pieces.push([]);
      taken = 0;
    }
    pieces.at(-1)?.push(bytes);
    taken += bytes.length;
  }
  return pieces.map((letters, index) => ({
    data_coding,
    esm_class: userDataHeader,
    short_message: Buffer.concat([Buffer.from([5, 0, 3, reference, pieces.length, index + 1]), ...letters]),
  }));
}

/** Sends each code over one connection to an SMPP centre, which is opened when needed and anew after a fault. */
export function smppSender(
  config: SmppConfig,
  password: string,
  pause?: (ms: number) => Promise<void>,
): OtpSender & { close(): void } {
  let session: Promise<Session> | null = null;
  let idle: NodeJS.Timeout | undefined;
  let underWay = 0;

  const bound = (): Promise<Session> => {
    if (session) return session;
    const opening = bind(config, password);
    session = opening;
    const forget = (): void => {
      if (session === opening) session = null;
    };
    opening.then((open) => open.once("close", forget), forget);
    return opening;
  };
  const close = (): void => {
    clearTimeout(idle);
    const last = session;
    session = null;
    last?.then(
      (open) => open.unbind(() => open.close()) || open.destroy(),
      () => undefined,
    );
  };

  const sendOnce = async (phone: string, text: string): Promise<void> => {
    const open = await bound();
    for (const part of partsOf(text)) {
      const fields = {
        ...part,
        source_addr: config.source,
        source_addr_ton: config.sourceTon,
        source_addr_npi: config.sourceNpi,
        destination_addr: phone.replace(/^0/, "84"),
        dest_addr_ton: international.ton,
        dest_addr_npi: international.npi,
      };
      const { command_status } = await answered<Pdu>(open, config, (done) => open.submit_sm(fields, done));
      if (command_status !== 0) throw refused(command_status);
    }
  };

  return {
    close,
    async send(phone, code) {
      clearTimeout(idle);
      underWay += 1;
      try {
        await persistently(() => sendOnce(phone, otpText(config.text, code)), pause);
      } finally {
        underWay -= 1;
        if (underWay === 0) idle = setTimeout(close, idleMs).unref();
      }
    },
  };
}

async function bind(config: SmppConfig, password: string): Promise<Session> {
  const { host, port, tls, systemId } = config;
  const session = smpp.connect({ host, port, tls, ...(tls ? { servername: host, minVersion: "TLSv1.2" } : {}) });
  // A program that ends waits for no message.
  session.socket.unref();
  session.on("error", () => session.destroy());
  try {
    await answered<void>(session, config, (done) => {
      session.once(tls ? "secureConnect" : "connect", () => done());
      return true;
    });
    const fields = { system_id: systemId, password };
    const { command_status } = await answered<Pdu>(session, config, (done) => session.bind_transmitter(fields, done));
    if (command_status !== 0) throw refused(command_status);
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  }
}

const refused = (status: number): SmsFault =>
  new SmsFault(`smpp-0x${status.toString(16).padStart(2, "0")}`, passing.includes(status));

/** What answers `ask`; a connection that ends or stays silent ends the wait. */
function answered<T>(
  session: Session,
  { timeoutS }: SmppConfig,
  ask: (done: (answer: T) => void) => boolean,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      session.off("close", lost);
      settle();
    };
    const lost = (): void => end(() => reject(new SmsFault("smpp-connection", true)));
    const timer = setTimeout(() => {
      // An answer that comes later belongs to nobody.
      session.destroy();
      end(() => reject(new SmsFault("smpp-timeout", true)));
    }, timeoutS * 1000);
    session.once("close", lost);
    if (!ask((answer) => end(() => resolve(answer)))) lost();
  });
}
