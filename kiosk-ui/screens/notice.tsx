import type { ComponentChildren } from "preact";

interface NoticeProps {
  readonly icon: ComponentChildren;
  readonly label?: ComponentChildren;
  readonly title: ComponentChildren;
  readonly next?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/**
 * The one layout of every screen but `ready`: icon, label, the one thing to read from three metres, what to do, and
 * room for details. Same places in every state, so that only colour, shape and words change.
 */
export function Notice({ icon, label, title, next, children }: NoticeProps) {
  return (
    <div class="notice">
      <div class="notice-icon">{icon}</div>
      <div class="notice-words">
        {label && <p class="label">{label}</p>}
        <h2 class="title">{title}</h2>
        {next && <p class="next">{next}</p>}
        {children}
      </div>
    </div>
  );
}
