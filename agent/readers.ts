import type { RawScan, ReaderCommand, ReaderFaultCode } from "../drivers/reader.ts";
import type { ReaderSpec } from "../drivers/reader-spec.ts";
import { type SupervisedReader, superviseReader } from "../drivers/supervised-reader.ts";
import type { ReaderView, Sentence } from "./kiosk-port/view.ts";
import type { Lane } from "./station.ts";

export interface ReadersOptions {
  readonly specs: readonly ReaderSpec[];
  readonly onScan: (scan: RawScan, lane: Lane) => void;
  readonly onChange: () => void;
  readonly log: (event: string, facts: Record<string, unknown>) => void;
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

/** All readers of this machine, each supervised alone: one bad reader harms only itself. */
export class Readers implements AsyncDisposable {
  readonly #views = new Map<string, ReaderView>();
  readonly #supervised = new Map<string, SupervisedReader>();

  constructor(options: ReadersOptions) {
    for (const spec of options.specs) {
      const lane: Lane = { readerId: spec.id, name: spec.name, direction: spec.direction };
      const show = (state: ReaderView["state"], message: Sentence | null): void => {
        const { id, name, transport, direction } = spec;
        this.#views.set(id, { id, name, transport, direction, state, message, advice: null });
      };
      show("connecting", null);
      const supervised = superviseReader(spec, {
        onScan: (scan) => options.onScan(scan, lane),
        onState: (state) => {
          show(state.state, state.state === "fault" ? faultSentences[state.code] : null);
          options.log("reader.state", { readerId: spec.id, state: state.state, code: state.code, why: state.message });
          options.onChange();
        },
        onError: (error) => options.log("reader.consumer-fault", { readerId: spec.id, error: String(error) }),
      });
      this.#supervised.set(spec.id, supervised);
    }
  }

  get views(): readonly ReaderView[] {
    return [...this.#views.values()];
  }

  /** Asks one reader; false when it is not there, not open or does not know the command. Never throws. */
  command(readerId: string, command: ReaderCommand): Promise<boolean> {
    return this.#supervised.get(readerId)?.command(command) ?? Promise.resolve(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#supervised.values()].map((reader) => reader[Symbol.asyncDispose]()));
  }
}
