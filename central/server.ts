import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import { accessLogOver } from "./access-log.ts";
import { type Clock, systemClock } from "./clock.ts";
import { codeSigner } from "./code-signing.ts";
import type { Central } from "./context.ts";
import { cursorBox } from "./cursor.ts";
import { proofCheckOver } from "./dpop.ts";
import { enrolmentOver } from "./enrolment.ts";
import { CentralFault, codeOf } from "./fault.ts";
import { readJsonBodies, smallBodyBytes } from "./http-body.ts";
import { sendProblem } from "./http-problem.ts";
import { applyHttpRules, commonHeaders, faultOf, noteAnswered, problemFor, requestIdOf } from "./http-rules.ts";
import { liveFeed } from "./live-feed.ts";
import type { OtpSender } from "./otp-senders.ts";
import { eraseExpired } from "./retention.ts";
import { accessRecordRoutes } from "./routes/access-records.ts";
import { adminUnitRoutes } from "./routes/admin-units.ts";
import { authRoutes } from "./routes/auth.ts";
import { checkpointKindRoutes } from "./routes/checkpoint-kinds.ts";
import { checkpointRoutes } from "./routes/checkpoints.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { enrolmentRoutes } from "./routes/enrolment.ts";
import { entryRoutes } from "./routes/entries.ts";
import { exportRoutes } from "./routes/exports.ts";
import { heldScanRoutes } from "./routes/held-scans.ts";
import { keyRoutes } from "./routes/keys.ts";
import { officialRoutes } from "./routes/officials.ts";
import { pageRoutes } from "./routes/pages.ts";
import { placeCodeRoutes } from "./routes/place-codes.ts";
import { posterRoutes } from "./routes/posters.ts";
import { staffRoutes } from "./routes/staff.ts";
import { streamRoutes } from "./routes/stream.ts";
import { subjectRequestRoutes } from "./routes/subject-requests.ts";
import { signInOver } from "./sign-in.ts";
import { openStore, type Store } from "./store/store.ts";
import { tokensOver } from "./tokens.ts";

export interface CentralOptions {
  /** Address to listen on, for example `127.0.0.1`. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** `sqlite:PATH`; the key file `central.key` lies in the same folder. */
  readonly database: string;
  /** Folder of the built pages, or null to serve none. */
  readonly pagesDir: string | null;
  readonly otpSender: OtpSender;
  /** A pino logger. It receives ids, routes, statuses and fault codes only. */
  readonly logger: FastifyBaseLogger;
  readonly clock?: Clock;
  /** `https://…` as people reach the service from outside, for printed codes; the listening address unless told. */
  readonly publicUrl?: string;
  /** Machines of an older version are told to be updated; their uploads are taken all the same. */
  readonly minVersion?: string;
  /** Addresses of reverse proxies whose `X-Forwarded-For` is believed, comma-separated; none by default. */
  readonly trustedProxies?: string;
}

export interface RunningCentral {
  /** `http://host:port` without a slash at the end. */
  readonly url: string;
  /** Ends open streams, lets running calls finish, closes the database. */
  close(): Promise<void>;
}

const housekeepingMs = 600_000;
const longestCloseMs = 2000;
/** So long a machine that lost the answer is still told what was decided about its code. */
const enrolmentKeptMs = 3_600_000;
const otpKeptMs = 24 * 3_600_000;

/**
 * Starts the checkpoint service.
 * @throws CentralFault with one sentence that says what to do: port in use, folder missing or not writable,
 * database of another program, lost key file.
 */
export async function startCentral(options: CentralOptions): Promise<RunningCentral> {
  const { logger, clock = systemClock } = options;
  const { store, keys } = openStore(options.database, clock);
  const publicUrl = options.publicUrl?.replace(/\/$/, "");
  try {
    let listening = "";
    const tokens = tokensOver({ store, keys, clock, logger });
    const reachedAt = () => publicUrl ?? listening;
    const accessLog = accessLogOver(store, clock, logger);
    const central: Central = {
      store,
      keys,
      clock,
      logger,
      tokens,
      proofs: proofCheckOver(clock, () => (publicUrl === undefined ? null : [publicUrl, listening])),
      signIn: signInOver({ store, keys, clock, tokens, otpSender: options.otpSender, logger }),
      cursors: cursorBox(keys.cursor),
      live: liveFeed(),
      accessLog,
      enrolment: enrolmentOver({ store, keys, clock, logger, accessLog, publicUrl: reachedAt }),
      codes: codeSigner(keys.codes),
      publicUrl: reachedAt,
      minVersion: options.minVersion ?? null,
    };
    const server = await serverOver(central, options);
    await forgetOld(store, clock);
    const url = await listen(server, options);
    listening = url;
    const house = keepHouse(central);
    let closing: Promise<void> | null = null;
    logger.info({ url }, "central service listening");
    return {
      url,
      close() {
        closing ??= closeWithin(server, longestCloseMs)
          .then(() => house.stop())
          .then(() => central.accessLog.close())
          .then(() => store.close());
        return closing;
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function serverOver(central: Central, options: CentralOptions): Promise<FastifyInstance> {
  const server = fastify({
    loggerInstance: options.logger,
    // One line of our own per call says enough; the usual ones hold addresses.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: smallBodyBytes,
    genReqId: (request) => requestIdOf(request.headers["x-request-id"]),
    trustProxy: options.trustedProxies ?? false,
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 100 },
    // Addresses that cannot be decoded never reach a route, nor its hooks.
    frameworkErrors: (error, request, reply) => {
      reply.headers(commonHeaders(request.id));
      sendProblem(reply, problemFor(error, request));
      noteAnswered(request, reply);
    },
    // What is no HTTP at all; its bytes, which can hold anything, are left out of the log.
    clientErrorHandler: (error, socket) => {
      if (codeOf(error) === "ECONNRESET" || socket.destroyed) return;
      options.logger.warn({ code: codeOf(error) }, "a connection said what cannot be read");
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    },
  }) as FastifyInstance;
  applyHttpRules(server, central.proofs);
  readJsonBodies(server);
  authRoutes(server, central);
  adminUnitRoutes(server);
  checkpointKindRoutes(server);
  checkpointRoutes(server, central);
  placeCodeRoutes(server, central);
  staffRoutes(server, central);
  deviceRoutes(server, central);
  enrolmentRoutes(server, central);
  keyRoutes(server, central);
  entryRoutes(server, central);
  streamRoutes(server, central);
  heldScanRoutes(server, central);
  accessRecordRoutes(server, central);
  posterRoutes(server, central);
  officialRoutes(server, central);
  exportRoutes(server, central);
  subjectRequestRoutes(server, central);
  if (options.pagesDir !== null) pageRoutes(server, options.pagesDir);
  return server;
}

async function listen(server: FastifyInstance, { host, port }: CentralOptions): Promise<string> {
  try {
    return (await server.listen({ host, port })).replace(/\/$/, "");
  } catch (cause) {
    await server.close();
    throw new CentralFault(listenAdvice(codeOf(cause), host, port), { cause });
  }
}

function listenAdvice(code: string, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is in use: stop the other program or choose another port.`;
    case "EACCES":
      return `Port ${port} needs special rights: choose a port above 1023.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine: choose another host to listen on.`;
    default:
      return `Cannot listen on ${host} port ${port} (${code}): choose another host or port.`;
  }
}

/** Lets running calls finish; what is still connected after `ms` (browsers keep spare lines open) is cut off. */
async function closeWithin(server: FastifyInstance, ms: number): Promise<void> {
  const timer = setTimeout(() => server.server.closeAllConnections(), ms);
  await server.close();
  clearTimeout(timer);
}

async function forgetOld(store: Store, clock: Clock): Promise<void> {
  const now = clock.now();
  await store.otp.forgetBefore(now - otpKeptMs);
  await store.tokens.forgetBefore(now);
  await store.subjects.forgetBefore(now);
  await store.enrolments.forgetBefore(now - enrolmentKeptMs);
}

/** Forgets what has had its time, now and then, beside the calls. */
function keepHouse(central: Central): { stop(): Promise<void> } {
  const { store, clock, logger } = central;
  const stopped = new AbortController();
  let running: Promise<void> | null = null;
  const round = async (): Promise<void> => {
    try {
      await forgetOld(store, clock);
      await eraseExpired(central, stopped.signal);
      // What an earlier erasure could not take out of the log, because somebody was reading.
      await store.scrub();
    } catch (error) {
      logger.error({ fault: faultOf(error) }, "housekeeping failed");
    }
    running = null;
  };
  const begin = () => {
    running ??= round();
  };
  const timer = setInterval(begin, housekeepingMs).unref();
  begin();
  return {
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await running;
    },
  };
}
