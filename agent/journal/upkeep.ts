import { statSync } from "node:fs";
import { AgentError } from "../../provisioning/agent-error.ts";
import { Ballast, diskSpace } from "./ballast.ts";
import type { JournalGuard, Tell } from "./guard.ts";
import { salvagedRows } from "./salvage.ts";
import { carried, keptSets, type SetAside, setsToCarry } from "./set-aside.ts";
import type { JournalStore } from "./store.ts";
import type { Witness } from "./witness.ts";

export interface UpkeepPolicy {
  /** Room kept back for a full disk. */
  readonly ballastBytes: number;
  /** Delivered rows stay so long, of running time. */
  readonly keepStoredMs: number;
}

/** How full the disk is: `low` under 20 % free, `very-low` under 10 %, `floor` under what a cure needs. */
export type DiskLevel = "ok" | "low" | "very-low" | "floor";

/** How the store is; for screens, the heartbeat and the log. */
export interface StoreHealth {
  /** Scans are recorded. When not, every one is refused aloud. */
  readonly isAccepting: boolean;
  /** As the heartbeat names it. */
  readonly state: "sound" | "reading-only" | "set-aside";
  readonly diskFreeBytes: number;
  readonly diskLevel: DiskLevel;
  readonly walBytes: number;
  readonly isBallastWhole: boolean;
  /** Rows of a damaged file are still being carried over. */
  readonly isCarrying: boolean;
  /** Highest number that the centre has named. */
  readonly highWater: number;
}

const pageRows = 200;
const ageKeptEveryMs = 60_000;
/** Where somebody stands ends after 12 hours without a sighting; twice that is forgotten. */
const forgottenAfterMs = 24 * 3_600_000;
/** The ballast waits, so that a start writes nothing that is not needed. */
const ballastAfterMs = 10_000;
const fastestHonestSyncMs = 0.02;
/** SQLite folds the log in at 4 MiB; at four times that somebody keeps it from doing so. */
const heldLogBytes = 16 << 20;

/**
 * What the writer does beside recording, a short step at a time: opens the file again after a fault, cures a full disk,
 * carries rows over from a damaged set, erases what has been delivered for long enough.
 */
export class Upkeep {
  readonly #file: string;
  readonly #store: JournalStore;
  readonly #guard: JournalGuard;
  readonly #witness: Witness;
  readonly #ballast: Ballast;
  readonly #policy: UpkeepPolicy;
  readonly #tell: Tell;
  readonly #startedMs = performance.now();
  #isFull = false;
  #level: DiskLevel = "ok";
  #ageKeptMs = Number.NEGATIVE_INFINITY;
  /** Something was erased, and the log may still hold it. */
  #isLogUnclean = true;
  #isLogHeld = false;
  #carry: Carry | null = null;
  #mayHaveSets = true;
  #isCarryWaiting = false;

  constructor(
    file: string,
    parts: { store: JournalStore; guard: JournalGuard; witness: Witness },
    policy: UpkeepPolicy,
    tell: Tell,
  ) {
    this.#file = file;
    this.#store = parts.store;
    this.#guard = parts.guard;
    this.#witness = parts.witness;
    this.#ballast = new Ballast(file, policy.ballastBytes);
    this.#policy = policy;
    this.#tell = tell;
  }

  /** Why no scan can be recorded right now, null when it can. */
  get refusal(): AgentError | null {
    if (this.#isFull) {
      return new AgentError("journal.disk-full", "The disk is full, the scan was not recorded; free some space.");
    }
    if (!this.#store.isOpen) {
      return new AgentError("journal.write-failed", "The journal is being checked after a fault of the disk.");
    }
    return null;
  }

  get health(): StoreHealth {
    const { free } = diskSpace(this.#file);
    return {
      isAccepting: this.refusal === null,
      state: this.refusal !== null ? "reading-only" : keptSets(this.#file) > 0 ? "set-aside" : "sound",
      diskFreeBytes: free,
      diskLevel: this.#level,
      walBytes: logBytes(this.#file),
      isBallastWhole: this.#ballast.isWhole,
      isCarrying: this.#carry !== null,
      highWater: this.#witness.highWater,
    };
  }

  /** Opens the file. @throws AgentError when only a person can help; a disk that may recover is tried again. */
  start(): void {
    const { free } = diskSpace(this.#file);
    // A cure that the last run did not end goes on; a first start needs room for its ballast.
    const isShort = !this.#ballast.isWhole && free < this.#policy.ballastBytes;
    if (isShort || free < this.#ballast.spareBytes) this.diskFull();
    try {
      this.#store.ensureOpen();
    } catch (fault) {
      if (!isPassing(fault)) throw fault;
      this.#tell("journal.not-opened", { error: String(fault) });
      this.#openRoom(fault);
    }
    const { syncMs } = this.#witness;
    if (syncMs !== null && syncMs < fastestHonestSyncMs) {
      this.#tell("journal.disk-too-fast", {
        syncMs,
        warning: "This disk says that data is safe faster than a disk can; a power cut may lose entries. Use another.",
      });
    }
  }

  /** A write found no room. */
  diskFull(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#ballast.release();
    this.#tell("journal.disk-full", { diskFreeBytes: diskSpace(this.#file).free });
  }

  /** The structure of the file was found damaged while it was open: true when that is so. */
  condemn(why: string): boolean {
    // Closed, it is looked at when it is opened again: what a reader met meanwhile proves nothing.
    if (!this.#store.isOpen || this.#faultOfStructure() === null) return false;
    this.#tell("journal.structure-damaged", { why });
    this.#guard.failed("SQLITE_CORRUPT");
    this.#guard.failed("SQLITE_CORRUPT");
    this.#store.letGo();
    this.#store.ensureOpen();
    return true;
  }

  /** One step; true when there is more to do at once. `serverMs`: the centre's time, null when it was not heard. */
  tend(serverMs: number | null): boolean {
    if (!this.#store.isOpen) {
      try {
        this.#store.ensureOpen();
        this.#tell("journal.opened-again", {});
      } catch (fault) {
        this.#openRoom(fault);
        return false;
      }
    }
    this.#lookAtDisk();
    if (this.#isFull) return this.#cure();
    this.#witness.save();
    if (performance.now() - this.#ageKeptMs > ageKeptEveryMs) {
      this.#ageKeptMs = performance.now();
      this.#store.keepAge(serverMs);
      this.#store.forgetAway(forgottenAfterMs, pageRows);
    }
    if (this.#carryOn()) return true;
    if (this.#erase(this.#isCarryWaiting ? 0 : this.#policy.keepStoredMs)) return true;
    if (performance.now() - this.#startedMs > ballastAfterMs) this.#ballast.grow(1);
    return false;
  }

  /** A fault while the file was opened: without room nothing can be opened. */
  #openRoom(fault: unknown): void {
    const isFull = fault instanceof AgentError && fault.code === "journal.disk-full";
    if (isFull || diskSpace(this.#file).free < this.#ballast.spareBytes) this.diskFull();
  }

  #faultOfStructure(): string | null {
    try {
      return this.#store.structureFault();
    } catch (fault) {
      return String(fault);
    }
  }

  #lookAtDisk(): void {
    const { free, total } = diskSpace(this.#file);
    const level =
      free < this.#ballast.spareBytes ? "floor" : free < total / 10 ? "very-low" : free < total / 5 ? "low" : "ok";
    if (level !== this.#level) {
      this.#level = level;
      this.#tell("journal.disk-level", { level, diskFreeBytes: free });
    }
    this.#lookAtLog();
  }

  /** A log that somebody keeps grows without end; one that nobody keeps any more gives its room back. */
  #lookAtLog(): void {
    const walBytes = logBytes(this.#file);
    const isHeld = walBytes > heldLogBytes;
    if (isHeld) this.#isLogUnclean = true;
    if (isHeld === this.#isLogHeld) return;
    this.#isLogHeld = isHeld;
    if (!isHeld) return this.#tell("journal.log-free", { walBytes });
    this.#tell("journal.log-held", {
      walBytes,
      warning: "Another program reads the journal without an end, so its log grows; end that program.",
    });
  }

  /** Erases what has been delivered, whatever its age, and takes the room back before anything is recorded again. */
  #cure(): boolean {
    this.#ballast.release();
    try {
      if (this.#store.eraseDelivered(0, pageRows) > 0) {
        this.#isLogUnclean = true;
        return true;
      }
      this.#store.foldIn();
      const free = diskSpace(this.#file).free;
      const inside = this.#store.freeBytes;
      if (free + inside < this.#policy.ballastBytes + this.#ballast.spareBytes) return false;
      if (!this.#ballast.fill(free)) return false;
      this.#isFull = false;
      this.#tell("journal.disk-has-room", { diskFreeBytes: diskSpace(this.#file).free });
      this.#witness.save();
    } catch (fault) {
      // Still no room: tried again at the next tending.
      this.#ballast.release();
      if (!this.#store.isOpen) this.#tell("journal.fault", { error: String(fault) });
    }
    return false;
  }

  #erase(keptMs: number): boolean {
    const erased = this.#store.eraseDelivered(keptMs, pageRows);
    if (erased > 0) {
      this.#isLogUnclean = true;
      this.#tell("journal.erased", { rows: erased });
      return true;
    }
    // What was erased stands in older pages of the log until it is emptied.
    if (this.#isLogUnclean && this.#store.foldIn()) this.#isLogUnclean = false;
    return false;
  }

  /** Rows of an old set wait safely where they are; carried onto a full disk they would keep every scan from being recorded. */
  #lookAtRoomToCarry(): void {
    const room = this.#carry === null ? Number.POSITIVE_INFINITY : diskSpace(this.#file).free + this.#store.freeBytes;
    const isWaiting = room < 2 * this.#ballast.spareBytes;
    if (isWaiting === this.#isCarryWaiting) return;
    this.#isCarryWaiting = isWaiting;
    if (!isWaiting) return;
    this.#tell("journal.carrying-waits", {
      diskFreeBytes: diskSpace(this.#file).free,
      warning: "Entries of a damaged journal wait for room on the disk; free some space. Scans are recorded meanwhile.",
    });
  }

  #carryOn(): boolean {
    if (this.#guard.takeMoved()) this.#mayHaveSets = true;
    if (this.#carry === null && this.#mayHaveSets) {
      const [next] = setsToCarry(this.#file);
      this.#mayHaveSets = next !== undefined;
      this.#carry = next === undefined ? null : new Carry(next);
    }
    this.#lookAtRoomToCarry();
    if (this.#carry === null || this.#isCarryWaiting) return false;
    const rows = this.#carry.take(pageRows);
    this.#carry.count(this.#store.adopt(rows));
    if (!this.#carry.isDone) return true;
    const { set, counts, highest } = this.#carry;
    this.#carry = null;
    const isLast = setsToCarry(this.#file).length === 1;
    const lost = isLast ? this.#store.settleCarried(Math.max(set.lastSeq, highest)) : [];
    carried(set.folder, { ...counts, lost });
    this.#tell("journal.carried", { folder: set.folder, why: set.why, ...counts, lost: lost.slice(0, 20) });
    return true;
  }
}

/** Rows on their way out of a damaged set. Begun again after a crash: what is there already is passed over. */
class Carry {
  readonly set: SetAside;
  readonly #sources: string[];
  #rows: Iterator<Record<string, unknown>> | null = null;
  #adopted = 0;
  #damaged = 0;
  #unreadable: string[] = [];
  /** Read, and not yet in the journal: a fault of the disk in between must not lose them. */
  #taken: Record<string, unknown>[] = [];
  highest = 0;
  isDone = false;

  constructor(set: SetAside) {
    this.set = set;
    this.#sources = [...set.sources];
  }

  get counts(): { adopted: number; damaged: number; unreadable: readonly string[] } {
    return { adopted: this.#adopted, damaged: this.#damaged, unreadable: this.#unreadable };
  }

  take(limit: number): Record<string, unknown>[] {
    const taken = this.#taken;
    while (taken.length < limit) {
      if (this.#rows === null) {
        const source = this.#sources.shift();
        if (source === undefined) {
          this.isDone = true;
          break;
        }
        this.#rows = salvagedRows(source);
      }
      try {
        const next = this.#rows.next();
        if (next.done) this.#rows = null;
        else taken.push(next.value);
      } catch (fault) {
        this.#unreadable = [...this.#unreadable, String(fault)];
        this.#rows = null;
      }
    }
    return taken;
  }

  /** What was taken last is in the journal. */
  count(result: { adopted: number; damaged: number }): void {
    const rows = this.#taken;
    this.#taken = [];
    this.#adopted += result.adopted;
    this.#damaged += result.damaged;
    if (result.damaged > 0) return;
    for (const { seq } of rows) if (Number.isSafeInteger(seq)) this.highest = Math.max(this.highest, Number(seq));
  }
}

/** The disk may answer again by itself. */
function isPassing(fault: unknown): boolean {
  return fault instanceof AgentError && ["journal.disk-full", "journal.write-failed"].includes(fault.code);
}

function logBytes(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}
