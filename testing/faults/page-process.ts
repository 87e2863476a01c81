/**
 * The window as the agent sees it, in a process of its own so that it can be killed:
 * `node page-process.ts ADDRESS` takes payloads as JSON from standard input, sends them as a page that captured them,
 * and prints each outcome it is told, one JSON line each.
 */
import { text } from "node:stream/consumers";
import type { PortMessage } from "../../agent/kiosk-port/port.ts";
import { openLoopbackSocket, tokenFromHash } from "../../kiosk-ui/carriers/loopback-socket.ts";

const address = new URL(process.argv[2] ?? "");
const payloads = JSON.parse(await text(process.stdin)) as string[];

const carrier = openLoopbackSocket(address.host, tokenFromHash(address.hash) ?? "", {
  onOpen: () => sendNext(),
  onClose: () => {},
  onMessage: (message: PortMessage) => {
    if (message.type !== "outcome") return;
    process.stdout.write(`${JSON.stringify(message.outcome)}\n`);
    if (message.outcome.readerId.startsWith("page:")) sendNext();
  },
});

function sendNext(): void {
  const payload = payloads.shift();
  if (payload === undefined) return;
  carrier.send({
    kind: "captured",
    source: "keyboard",
    bytesB64: Buffer.from(payload, "utf8").toString("base64"),
    direction: "in",
  });
}
