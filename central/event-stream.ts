import type { ServerResponse } from "node:http";

const drainMs = 30_000;

/** One open stream of server-sent events (WHATWG HTML, section 9.2) with a bounded memory: see {@link send}. */
export interface EventStream {
  /**
   * Writes one event and waits while the reader is behind. A reader that takes nothing for 30 s is cut off: it
   * comes back with its last id.
   */
  send(event: { name: string; id?: string; data: unknown }): Promise<void>;
  /** A line that says only that the line is alive; left out while the reader is behind. */
  comment(): void;
  /** Sends a last event and ends; nothing is sent afterwards. */
  end(event: { name: string; data: unknown }): void;
  readonly open: boolean;
  onClose(listener: () => void): void;
}

/** Starts the answer; `headers` are added to those of the event stream itself. */
export function startEventStream(response: ServerResponse, headers: Record<string, string>): EventStream {
  let open = true;
  const listeners: (() => void)[] = [];
  const closed = () => {
    if (!open) return;
    open = false;
    for (const listener of listeners) listener();
  };
  response.on("close", closed);
  response.on("error", closed);
  response.writeHead(200, {
    ...headers,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    // The line ends with the stream, so that a stopping service has nothing left to wait for.
    connection: "close",
  });
  response.flushHeaders();
  return {
    get open() {
      return open;
    },
    async send(event) {
      if (!open) return;
      if (!response.write(textOf(event))) await drained(response);
    },
    comment() {
      if (open && !response.writableNeedDrain) response.write(":\n\n");
    },
    end(event) {
      if (!open) return;
      closed();
      // What is still waiting for a slow reader is not worth waiting for.
      if (response.writableNeedDrain) response.destroy();
      else response.end(textOf(event));
    },
    onClose: (listener) => void listeners.push(listener),
  };
}

function textOf(event: { name: string; id?: string; data: unknown }): string {
  const id = event.id === undefined ? "" : `id: ${event.id}\n`;
  return `event: ${event.name}\n${id}data: ${JSON.stringify(event.data)}\n\n`;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), drainMs);
    const done = () => {
      clearTimeout(timer);
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
