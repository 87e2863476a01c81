/** The part of the package `smpp` (SMPP 3.4) that is used here and in its tests; the package has no types of its own. */
declare module "smpp" {
  import type { EventEmitter } from "node:events";
  import type { Server, Socket } from "node:net";
  import type { ConnectionOptions } from "node:tls";

  export interface Pdu {
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly [field: string]: unknown;
    response(fields?: Record<string, unknown>): Pdu;
  }
  type OnResponse = (pdu: Pdu) => void;
  export interface Session extends EventEmitter {
    readonly socket: Socket;
    bind_transmitter(fields: Record<string, unknown>, onResponse: OnResponse): boolean;
    submit_sm(fields: Record<string, unknown>, onResponse: OnResponse): boolean;
    unbind(onResponse: OnResponse): boolean;
    send(pdu: Pdu): boolean;
    close(): void;
    destroy(): void;
  }
  interface Encoding {
    match(text: string): boolean;
    encode(text: string): Buffer;
    decode(bytes: Buffer): string;
  }
  interface Smpp {
    connect(options: ConnectionOptions & { host: string; port: number; tls: boolean }): Session;
    createServer(options: { key?: string; cert?: string }, onSession: (session: Session) => void): Server;
    readonly encodings: { readonly ASCII: Encoding; readonly UCS2: Encoding };
  }
  const smpp: Smpp;
  export default smpp;
}
