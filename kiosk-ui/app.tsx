import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { KioskView } from "../agent/kiosk-port/view.ts";
import { Announcer } from "./components/announcer.tsx";
import { DataNoticePanel } from "./components/data-notice.tsx";
import { DutyStrip } from "./components/duty-strip.tsx";
import { Header } from "./components/header.tsx";
import { ReaderStrip } from "./components/reader-strip.tsx";
import { SignInPanel } from "./components/sign-in-panel.tsx";
import { StaffPanel } from "./components/staff-panel.tsx";
import { KeyboardAway } from "./keyboard/keyboard-notice.tsx";
import { Stage } from "./screens/stage.tsx";
import { useStation } from "./station.ts";

const stageState = ({ readerTest, screen }: KioskView): string =>
  readerTest && screen.state !== "ask" ? "test" : screen.state;

export type PanelName = "sign-in" | "staff" | "notice";

/** The whole page: header, stage, footer in fixed places; one staff panel may stand beside the stage, never over it. */
export function App() {
  const { received, link, missed, language } = useStation();
  const panel = useSignal<PanelName | null>(null);
  const stage = useRef<HTMLElement>(null);
  const view = received.value?.view ?? null;
  const open = view ? panel.value : null;

  useEffect(() => {
    document.documentElement.lang = language.value;
  }, [language.value]);

  // Focus goes to the stage and not back to the button: a keyboard reader's Enter must not press it again.
  const close = () => {
    panel.value = null;
    stage.current?.focus();
  };

  return (
    <div class="page" data-panel={open ?? "none"}>
      <Header />
      <main
        class="stage"
        tabIndex={-1}
        ref={stage}
        data-state={
          missed.value !== null ? "not-recorded" : link.value === "up" && view ? stageState(view) : link.value
        }
      >
        <Stage
          onReadNotice={() => {
            panel.value = "notice";
          }}
        />
      </main>
      <KeyboardAway />
      {open === "sign-in" && <SignInPanel onClose={close} />}
      {open === "notice" && <DataNoticePanel onClose={close} />}
      {open === "staff" && <StaffPanel onClose={close} />}
      <footer class="footer">
        <ReaderStrip />
        <DutyStrip
          onOpen={(name) => {
            panel.value = panel.value === name ? null : name;
          }}
        />
      </footer>
      <Announcer />
    </div>
  );
}
