import { type KeyboardCalibration, uncalibrated } from "../drivers/keyboard/calibration.ts";
import { openReader } from "../drivers/open-reader.ts";
import type { PluggedDevice } from "../drivers/plugged/plugged-device.ts";
import { type PluggedSystem, thisMachine } from "../drivers/plugged/system.ts";
import { watchPlugged } from "../drivers/plugged/watch-plugged.ts";
import type { RawEvent } from "../drivers/raw-tap.ts";
import type { RawScan, ReaderCommand, ReaderFaultCode } from "../drivers/reader.ts";
import type { AutoSpec, ReaderSpec } from "../drivers/reader-spec.ts";
import { type SupervisedReader, superviseReader } from "../drivers/supervised-reader.ts";
import { formatUsbAddress } from "../drivers/usb-address.ts";
import { findReaders, isReplaced } from "./found-readers.ts";
import type { ReaderView, Sentence, UnusableDevice } from "./kiosk-port/view.ts";
import type { Lane } from "./station.ts";

export interface ReadersOptions {
  /** Readers by name, and at most one `auto`: whatever else is plugged in. */
  readonly choices: readonly (ReaderSpec | AutoSpec)[];
  readonly onScan: (scan: RawScan, lane: Lane) => void;
  /** How the keys of a reader in keyboard mode are read now; asked with every key. */
  readonly calibration?: (readerId: string) => KeyboardCalibration;
  readonly onChange: () => void;
  /** Sees what each device sends before its driver understands it. */
  readonly onRaw?: (readerId: string, event: RawEvent) => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
  /** Where readers are looked for: this machine unless told. */
  readonly system?: PluggedSystem;
}

/** What the clerk reads about a reader that does not read; the technician's sentence is in the log. */
const faultSentences: Readonly<Record<ReaderFaultCode, Sentence>> = {
  "reader.not-found": { vi: "Không thấy đầu đọc; xin cắm lại dây", en: "Reader not found; plug its cable in" },
  "reader.unplugged": { vi: "Đầu đọc bị rút; xin cắm lại dây", en: "Reader unplugged; plug its cable in again" },
  "reader.busy": {
    vi: "Chương trình khác đang giữ đầu đọc; xin đóng chương trình đó",
    en: "Another program holds the reader; close it",
  },
  "reader.permission": {
    vi: "Máy chưa được phép dùng đầu đọc; báo kỹ thuật",
    en: "No permission for the reader; call the technician",
  },
  "reader.bad-spec": { vi: "Cấu hình đầu đọc sai; báo kỹ thuật", en: "Bad reader configuration; call the technician" },
  "reader.wrong-mode": {
    vi: "Đầu đọc đang ở chế độ không phù hợp; báo kỹ thuật",
    en: "The reader is in the wrong mode; call the technician",
  },
  "reader.unknown-layout": {
    vi: "Không hiểu dữ liệu của đầu đọc này; báo kỹ thuật",
    en: "This reader's data is not understood; call the technician",
  },
  "reader.failed": { vi: "Đầu đọc bị lỗi; xin rút ra cắm lại", en: "Reader failed; unplug it and plug it in again" },
};

/** So many readers that were unplugged stay on the screen; the oldest is forgotten first. */
const MAX_GONE = 16;

/** All readers of this machine, each supervised alone: one bad reader harms only itself. */
export class Readers implements AsyncDisposable {
  readonly #options: ReadersOptions;
  readonly #system: PluggedSystem;
  readonly #specs: readonly ReaderSpec[];
  readonly #views = new Map<string, ReaderView>();
  readonly #supervised = new Map<string, SupervisedReader>();
  /** Readers that were found, by id; one that is not supervised is unplugged. */
  readonly #found = new Map<string, PluggedDevice>();
  /** Readers that are gone and still being closed, by id: one that hangs delays its own return and no other reader. */
  readonly #closing = new Map<string, Promise<unknown>>();
  readonly #watching: Disposable;
  #unusable: readonly UnusableDevice[] = [];
  /** Addresses of the devices without any node at the last look: a driver may be about to make one. */
  #bare: ReadonlySet<string> = new Set();
  #stopped = false;

  constructor(options: ReadersOptions) {
    const { choices, system = thisMachine() } = options;
    this.#options = options;
    this.#system = system;
    this.#specs = choices.filter((choice) => choice.transport !== "auto");
    for (const spec of this.#specs) this.#supervise(spec, null);
    const auto = choices.find((choice) => choice.transport === "auto");
    this.#watching = auto
      ? watchPlugged(system, (devices) =>
          this.#look(devices, auto).catch((error: unknown) =>
            options.log("reader.look-fault", { error: String(error) }),
          ),
        )
      : // Readers that are all named: nothing is listed, but what is plugged in late is tried at once.
        watchPlugged({ ...system, list: () => Promise.resolve([]) }, () => this.#retryNow());
  }

  get views(): readonly ReaderView[] {
    return [...this.#views.values()];
  }

  /** Plugged in, but not readable as it is. */
  get unusable(): readonly UnusableDevice[] {
    return this.#unusable;
  }

  /** Asks one reader; false when it is not there, not open or does not know the command. Never throws. */
  command(readerId: string, command: ReaderCommand): Promise<boolean> {
    return this.#supervised.get(readerId)?.command(command) ?? Promise.resolve(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#watching[Symbol.dispose]();
    const closing = [...this.#supervised.values()].map((reader) => reader[Symbol.asyncDispose]());
    await Promise.all([...closing, ...this.#closing.values()]);
  }

  #supervise(spec: ReaderSpec, advice: Sentence | null): void {
    const { onScan, onChange, log } = this.#options;
    const { id, name, transport, direction } = spec;
    const lane: Lane = { readerId: id, name, direction };
    const show = (state: ReaderView["state"], message: Sentence | null): void => {
      this.#views.set(id, { id, name, transport, direction, state, message, advice });
    };
    show("connecting", null);
    const supervised = superviseReader(spec, {
      open: async (named) => {
        await this.#closing.get(id);
        return openReader(
          named,
          this.#system,
          (event) => this.#options.onRaw?.(id, event),
          () => this.#options.calibration?.(id) ?? uncalibrated,
        );
      },
      onScan: (scan) => onScan(scan, lane),
      onState: (state) => {
        show(state.state, state.state === "fault" ? faultSentences[state.code] : null);
        log("reader.state", { readerId: id, state: state.state, code: state.code, why: state.message });
        onChange();
      },
      onError: (error) => log("reader.consumer-fault", { readerId: id, error: String(error) }),
    });
    this.#supervised.set(id, supervised);
  }

  /** Tries those that wait after a fault: the back-off is for a device that is broken, not for one that was away. */
  #retryNow(): void {
    for (const supervised of this.#supervised.values()) supervised.retryNow();
  }

  /** Brings the found readers in line with what is plugged in. */
  async #look(devices: readonly PluggedDevice[], auto: AutoSpec): Promise<void> {
    const known = new Set(this.#found.keys());
    const { readers, unusable } = await findReaders(devices, this.#specs, known, auto.direction);
    if (this.#stopped) return;
    const present = new Set(readers.map(({ spec }) => spec.id));
    const stayed = new Set(
      [...this.#found]
        .filter(([id]) => present.has(id) && this.#supervised.has(id))
        .map(([, { address }]) => formatUsbAddress(address)),
    );
    // One without a node yet may be the very reader that is coming back.
    const came = devices.filter((one) => one.interfaces.length > 0 && !stayed.has(formatUsbAddress(one.address)));
    const returned = new Set(readers.filter(({ spec }) => known.has(spec.id)).map(({ device }) => device));
    for (const id of known) if (!present.has(id)) this.#retire(id, came, returned);
    this.#retryNow();
    for (const { spec, device, advice } of readers) {
      this.#found.set(spec.id, device);
      if (this.#supervised.has(spec.id)) continue;
      const name = this.#views.get(spec.id)?.name ?? this.#unusedName(spec.name);
      this.#options.log("reader.found", { readerId: spec.id, name });
      this.#supervise({ ...spec, name }, advice);
    }
    const bare = new Set(
      devices.filter((one) => one.interfaces.length === 0).map((one) => formatUsbAddress(one.address)),
    );
    this.#showUnusable(unusable.filter(({ id }) => !bare.has(id) || this.#bare.has(id)));
    this.#bare = bare;
    this.#options.onChange();
  }

  /** A reader that is gone is shown as unplugged until it returns, unless another stands in its place. */
  #retire(id: string, came: readonly PluggedDevice[], returned: ReadonlySet<PluggedDevice>): void {
    const supervised = this.#supervised.get(id);
    this.#supervised.delete(id);
    if (supervised !== undefined) this.#close(id, supervised);
    const device = this.#found.get(id);
    const gone = [...this.#found.keys()].filter((other) => !this.#supervised.has(other));
    if (device === undefined || isReplaced(device, came, returned) || (gone.length > MAX_GONE && gone[0] === id)) {
      this.#found.delete(id);
      this.#views.delete(id);
      return;
    }
    const view = this.#views.get(id);
    if (view === undefined || supervised === undefined) return;
    this.#views.set(id, { ...view, state: "fault", message: faultSentences["reader.unplugged"] });
    this.#options.log("reader.gone", { readerId: id });
  }

  #close(id: string, supervised: SupervisedReader): void {
    const closing = Promise.allSettled([this.#closing.get(id), supervised[Symbol.asyncDispose]()]).then(() => {
      if (this.#closing.get(id) === closing) this.#closing.delete(id);
    });
    this.#closing.set(id, closing);
  }

  #showUnusable(unusable: readonly UnusableDevice[]): void {
    const before = new Set(this.#unusable.map(({ id }) => id));
    this.#unusable = unusable;
    for (const { id, name, title } of unusable) {
      if (!before.has(id)) this.#options.log("reader.unusable", { id, name, why: title.en });
    }
  }

  /** Two of one model are told apart on the screen and in the records: "Voyager 1450g", "Voyager 1450g (2)". */
  #unusedName(name: string): string {
    const used = new Set([...this.#views.values()].map((view) => view.name));
    let unused = name;
    for (let count = 2; used.has(unused); count++) unused = `${name} (${count})`;
    return unused;
  }
}
