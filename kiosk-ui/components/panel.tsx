import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { useKeyboard } from "../keyboard/context.ts";
import { useStation } from "../station.ts";

// A panel left open shows staff matters to visitors.
const idleLimitMs = 90_000;

interface PanelProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/**
 * The side panel for staff. Not modal: scans go on, and their outcome stays visible and announced beside it. Escape
 * closes it, and so does a minute and a half without a touch.
 */
export function Panel({ title, onClose, children }: PanelProps) {
  const { texts } = useStation();
  const { onTyped } = useKeyboard();
  const titleId = useId();
  const panel = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const here = panel.current;
    // A field inside may have taken the focus already.
    if (!here?.contains(document.activeElement)) here?.focus();
    let timer = setTimeout(onClose, idleLimitMs);
    const used = (key?: string) => {
      clearTimeout(timer);
      if (key === "Escape") onClose();
      else timer = setTimeout(onClose, idleLimitMs);
    };
    const touched = (event: Event) => used(event instanceof KeyboardEvent ? event.key : undefined);
    const stopTyped = onTyped(used);
    const kinds = ["pointerdown", "keydown"];
    for (const kind of kinds) window.addEventListener(kind, touched);
    return () => {
      clearTimeout(timer);
      stopTyped();
      for (const kind of kinds) window.removeEventListener(kind, touched);
    };
  }, []);

  return (
    <div class="panel" ref={panel} tabIndex={-1} role="dialog" aria-modal="false" aria-labelledby={titleId}>
      <div class="panel-head">
        <h2 id={titleId}>{title}</h2>
        <button type="button" class="panel-close" aria-label={texts.value.close} onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </div>
      {children}
    </div>
  );
}
