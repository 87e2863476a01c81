import { lookup } from "node:dns/promises";
import net from "node:net";
import tls from "node:tls";
import { systemClock } from "../../../agent/clock.ts";
import { CentralApi, type Reply } from "../../../agent/sync/central-api.ts";
import { codeKeys } from "../../../contract/code-keys.ts";
import { newProofKey } from "../../../contract/dpop.ts";
import { operations } from "../../../contract/operations.ts";
import { type Finding, findingsOf } from "../report.ts";
import { durationText, timeText } from "../words.ts";

const say = findingsOf("network");

const connectWithinMs = 8_000;
/** A certificate that ends sooner was forgotten by whoever renews it: public authorities renew 30 days before. */
const certificateEndsSoonMs = 21 * 24 * 3_600_000;

/** How far the centre was reached. */
export interface Reached {
  readonly findings: readonly Finding[];
  /** Server minus this machine's clock, ms; null when the centre did not answer. */
  readonly offsetMs: number | null;
}

/** The way to the centre, step by step as the agent goes it; the first step that fails ends it. */
export async function reachCentre(central: string): Promise<Reached> {
  const url = new URL(central);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  const findings: Finding[] = [...proxies(url)];
  const ended = (finding: Finding): Reached => ({ findings: [...findings, finding], offsetMs: null });

  const name = await resolveName(host);
  findings.push(...name.findings);
  if (!name.isFound) return { findings, offsetMs: null };

  const connected = await connect(host, port);
  if (typeof connected === "string") return ended(notConnected(host, port, connected));
  findings.push(say("tcp", "ok", `${host} port ${port} answers in ${Math.round(connected)} ms.`));

  if (url.protocol === "https:") {
    const certificate = await certificateOf(host, port);
    findings.push(certificate);
    if (certificate.level === "fail") return { findings, offsetMs: null };
  }
  let offsetMs: number | null = null;
  const api = new CentralApi(central, systemClock(), await newProofKey(), (offset) => {
    offsetMs = offset;
  });
  const from = performance.now();
  const reply = await api.call({ operation: operations.listCodeKeys, schema: codeKeys });
  findings.push(answered(url.origin, reply, performance.now() - from));
  return { findings, offsetMs };
}

function proxies(url: URL): Finding[] {
  const names = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
  const set = names.filter((name) => process.env[name]);
  if (set.length === 0 || net.isIP(url.hostname) !== 0) return [];
  const what = `This machine names a proxy (${set.join(", ")}); the station does not use it.`;
  return [say("proxy", "warn", what, `Have ${url.host} allowed directly if the next step fails.`)];
}

async function resolveName(host: string): Promise<{ isFound: boolean; findings: Finding[] }> {
  if (net.isIP(host) !== 0) return { isFound: true, findings: [] };
  try {
    const found = await lookup(host, { all: true });
    const addresses = found.slice(0, 3).map(({ address }) => address);
    return { isFound: true, findings: [say("dns", "ok", `${host} is ${addresses.join(", ")}.`)] };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const [why, next] =
      code === "ENOTFOUND"
        ? ["nobody knows that name", 'Check the address in "central" and the name server of this network.']
        : ["no name server answers", "Look at the network cable, the Wi-Fi and the router."];
    return { isFound: false, findings: [say("dns", "fail", `${host} is not found: ${why} (${code}).`, next)] };
  }
}

/** Time of the connection in ms, or the code of what went wrong. */
function connect(host: string, port: number): Promise<number | string> {
  const from = performance.now();
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: connectWithinMs });
    const end = (result: number | string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end(performance.now() - from));
    socket.once("timeout", () => end("ETIMEDOUT"));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

function notConnected(host: string, port: number, code: string): Finding {
  const [why, next] =
    code === "ECONNREFUSED"
      ? ["nothing listens there", 'Check the port in "central"; if it is right, the centre is down: call its operator.']
      : code === "ENETUNREACH" || code === "EHOSTUNREACH" || code === "ENETDOWN"
        ? ["this machine has no way there", "Look at the network cable, the Wi-Fi and the router."]
        : ["it does not answer", `Ask for ${host} port ${port} to be allowed by the firewall of this network.`];
  return say(
    "tcp",
    "fail",
    `${host} port ${port} cannot be reached: ${why} (${code}).`,
    `${next} Scanning goes on meanwhile.`,
  );
}

/** Looks at the certificate whatever it is; nothing is said over this connection. */
function certificateOf(host: string, port: number): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port,
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      minVersion: "TLSv1.2",
      rejectUnauthorized: false,
      timeout: connectWithinMs,
    });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    const noTls = (code: string): Finding =>
      say(
        "tls",
        "fail",
        `${host} port ${port} does not speak TLS 1.2 or later (${code}).`,
        "Something else stands there: a captive portal, an old proxy, or a wrong port.",
      );
    socket.once("secureConnect", () => end(judge(host, socket)));
    socket.once("timeout", () => end(noTls("ETIMEDOUT")));
    socket.once("error", (error: NodeJS.ErrnoException) => end(noTls(error.code ?? error.message)));
  });
}

function judge(host: string, socket: tls.TLSSocket): Finding {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined)
    return say("tls", "fail", `${host} shows no certificate.`, "Call the centre's operator.");
  const from = certificate.validFromDate.getTime();
  const until = certificate.validToDate.getTime();
  const names = `for ${commonName(certificate.subject)}, by ${commonName(certificate.issuer)}, ${timeText(from).slice(0, 10)} to ${timeText(until).slice(0, 10)}`;
  const error = socket.authorized ? null : String(socket.authorizationError);
  if (error === "CERT_HAS_EXPIRED" || error === "CERT_NOT_YET_VALID") {
    const next = `Is the clock of this machine right (${timeText(Date.now())})? If so, the centre's operator must renew it.`;
    return say(
      "tls",
      "fail",
      `The certificate is ${error === "CERT_HAS_EXPIRED" ? "no more" : "not yet"} valid: ${names}.`,
      next,
    );
  }
  if (error === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const next = 'Check the host in "central"; on a guest network open any page in a browser and sign in first.';
    return say(
      "tls",
      "fail",
      `The certificate belongs to somebody else: ${names}. A captive portal, or a wrong address.`,
      next,
    );
  }
  if (error !== null) {
    const next =
      "On a guest network sign in first; a proxy that opens TLS must leave this host alone; a private authority is named in NODE_EXTRA_CA_CERTS.";
    return say("tls", "fail", `The certificate comes from nobody this machine trusts (${error}): ${names}.`, next);
  }
  const left = until - Date.now();
  if (left < certificateEndsSoonMs) {
    return say(
      "tls",
      "warn",
      `The certificate ends in ${durationText(left)}: ${names}.`,
      "Tell the centre's operator to renew it.",
    );
  }
  return say("tls", "ok", `${socket.getProtocol()}, certificate ${names}.`);
}

function commonName(distinguished: string): string {
  return /^CN=(.+)$/m.exec(distinguished)?.[1] ?? distinguished.split("\n").at(-1) ?? "?";
}

function answered(origin: string, reply: Reply<unknown>, ms: number): Finding {
  switch (reply.kind) {
    case "ok":
      return say("centre", "ok", `The centre ${origin} answers in ${Math.round(ms)} ms.`);
    case "foreign":
      return say(
        "centre",
        "fail",
        `Something else answers in the place of the centre ${origin} (${reply.detail}): a captive portal or a proxy.`,
        'Open any page in a browser on this network and sign in, or have the centre allowed; check "central".',
      );
    case "busy":
      return say(
        "centre",
        "warn",
        `The centre ${origin} asks for patience (${reply.status}).`,
        "Nothing is lost; if it lasts, call its operator.",
      );
    case "refused":
      return say(
        "centre",
        "fail",
        `The centre ${origin} refuses this program (${reply.status}).`,
        "Update one of both: they do not fit.",
      );
    case "unreachable":
      return say(
        "centre",
        "fail",
        `The centre ${origin} does not answer (${reply.detail}).`,
        "Call its operator; scanning goes on meanwhile.",
      );
  }
}
