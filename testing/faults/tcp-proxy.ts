import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What is done to one connection; everything passes where nothing is said. Replies are counted in bytes below TLS. */
export interface ConnectionRule {
  /** The reply ends after so many bytes, but not before the server has begun it: what it did, it has done. */
  readonly cut?: { readonly afterBytes: number; readonly by: "fin" | "rst" };
  /** The request is taken and nothing ever comes back; the server does not see it. */
  readonly silent?: true;
  /** The reply comes in pieces of so many bytes, with this pause before each. */
  readonly slices?: { readonly bytes: number; readonly everyMs: number };
  /** In the place of the reply comes `head`, then `bytes` again and again, without an end. */
  readonly endless?: { readonly head: string; readonly bytes: Uint8Array; readonly everyMs: number };
}

/** How often each fault struck. */
export interface ProxyCounts {
  connections: number;
  /** Replies ended before the server had said everything it said to this connection, or right after. */
  cuts: number;
  /** Requests taken and never answered. */
  silenced: number;
  slices: number;
  /** Pieces of a reply without end. */
  endless: number;
}

/** A loopback TCP proxy that does harm by rule. It stands before a centre that does not know it. */
export class TcpProxy implements AsyncDisposable {
  /** Rule of the connections that {@link next} says nothing of. */
  rule: ConnectionRule = {};
  readonly counts: ProxyCounts = { connections: 0, cuts: 0, silenced: 0, slices: 0, endless: 0 };
  /** How long each connection that has ended was open, ms. */
  readonly lifetimesMs: number[] = [];
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #next: ConnectionRule[] = [];
  #target: number;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#serve(client));
  }

  /** Before the server at `url` (or this port of 127.0.0.1); before nobody when none is given. */
  static async before(server: string | number = nobody): Promise<TcpProxy> {
    const proxy = new TcpProxy(portOf(server));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From now on the way leads to this server; what is open is closed. */
  leadTo(server: string | number = nobody): void {
    this.#target = portOf(server);
    this.dropAll();
  }

  /** One rule each for the next connections; what is open now is closed, so that the next request needs a new one. */
  next(...rules: readonly ConnectionRule[]): void {
    this.#next.push(...rules);
    this.dropAll();
  }

  /** Closes every connection. */
  dropAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.dropAll();
    if (this.#server.listening) await once(this.#server, "close");
  }

  #serve(client: Socket): void {
    const rule = this.#next.shift() ?? this.rule;
    this.counts.connections++;
    const sinceMs = performance.now();
    this.#keep(client);
    client.once("close", () => this.lifetimesMs.push(performance.now() - sinceMs));
    if (rule.silent) {
      client.once("data", () => this.counts.silenced++);
      client.resume();
      return;
    }
    const server = connect(this.#target, "127.0.0.1");
    this.#keep(server);
    client.on("data", (bytes) => server.write(bytes));
    client.once("end", () => server.end());
    client.once("close", () => server.destroy());
    const { cut } = rule;
    let passed = 0;
    /** Slices of one piece come after those of the last. */
    let sliced = Promise.resolve();
    let goesOn = false;
    // A reply that goes on without an end does so without its server.
    server.once("close", () => {
      if (rule.endless === undefined) void sliced.then(() => client.end());
    });
    server.on("data", (bytes) => {
      if (client.destroyed || client.writableEnded) return;
      if (cut !== undefined && passed + bytes.length >= cut.afterBytes) {
        this.counts.cuts++;
        const last = bytes.subarray(0, cut.afterBytes - passed);
        if (cut.by === "fin") client.end(last);
        else client.write(last, () => client.resetAndDestroy());
        return;
      }
      passed += bytes.length;
      const { slices, endless } = rule;
      if (endless !== undefined) {
        if (!goesOn) void this.#goOn(client, endless);
        goesOn = true;
      } else if (slices === undefined) client.write(bytes);
      else sliced = sliced.then(() => this.#slice(client, bytes, slices));
    });
  }

  async #slice(client: Socket, bytes: Buffer, rule: NonNullable<ConnectionRule["slices"]>): Promise<void> {
    const { bytes: size, everyMs } = rule;
    client.setNoDelay();
    for (let from = 0; from < bytes.length && !client.destroyed; from += size) {
      await pause(everyMs);
      client.write(bytes.subarray(from, from + size));
      this.counts.slices++;
    }
  }

  async #goOn(client: Socket, { head, bytes, everyMs }: NonNullable<ConnectionRule["endless"]>): Promise<void> {
    client.write(head);
    while (!client.destroyed) {
      await pause(everyMs);
      if (client.write(bytes)) this.counts.endless++;
      else await Promise.race([once(client, "drain"), once(client, "close")]);
    }
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#open.delete(socket));
  }
}

/** A port on which nobody listens: it needs root. */
const nobody = 1;
const portOf = (server: string | number): number =>
  typeof server === "number" ? server : Number(new URL(server).port);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
