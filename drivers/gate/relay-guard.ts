/**
 * The guard: a process of its own that holds all relay boards and gives the pulses. When the agent ends, however it ends,
 * the channel between them closes and the guard lets go of every relay. It is the only one that can: after `kill -9` the
 * agent itself does nothing any more, and of the boards known here none ends a pulse by itself. What kills both at once
 * leaves a relay to the next start, which switches it off before anything else.
 *
 * Started by `guarded-relays.ts`, never by hand. Its only argument is the relays, as JSON.
 */
import type { GuardMessage, PulseRequest } from "./guard-messages.ts";
import type { RelaySpec } from "./relay-spec.ts";
import { type SupervisedBoard, superviseBoard } from "./supervised-board.ts";

/** A board that does not answer must not keep this process alive for ever. */
const END_TIMEOUT_MS = 5000;

const specs = JSON.parse(process.argv[2] ?? "[]") as readonly RelaySpec[];
const tell = (message: GuardMessage): void => {
  if (process.connected) process.send?.(message, undefined, {}, () => {}); // Nobody left to tell: the end is near.
};

const boards = new Map<string, SupervisedBoard>();
for (const [path, onBoard] of Map.groupBy(specs, (spec) => spec.path)) {
  boards.set(
    path,
    superviseBoard(onBoard, {
      onState: (state) => tell({ kind: "state", state }),
      onReport: (report) => tell({ kind: "report", report }),
    }),
  );
}
const boardOf = new Map(specs.map((spec) => [spec.id, boards.get(spec.path)]));

const end = async (): Promise<void> => {
  setTimeout(() => process.exit(1), END_TIMEOUT_MS).unref();
  await Promise.all([...boards.values()].map((board) => board[Symbol.asyncDispose]()));
  process.exit(0);
};

process.on("message", ({ relayId, askedMs }: PulseRequest) => boardOf.get(relayId)?.pulse(relayId, askedMs));
process.on("disconnect", () => void end());
// A service manager signals all processes of the agent at once; this one outlives the agent, if only by the last OFF.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
if (!process.connected) void end();
