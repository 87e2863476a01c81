import type { ComponentChildren } from "preact";

// Every outcome has its own outline as well as its colour: circle, square, octagon, triangle. The words beside an icon
// say the same, so icons are hidden from screen readers.
function Icon({ children, name }: { readonly children: ComponentChildren; readonly name: string }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 120 120" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const IconAccepted = () => (
  <Icon name="accepted">
    <circle class="shape" cx="60" cy="60" r="56" />
    <path class="mark" d="M34 62l18 18 34-38" />
  </Icon>
);

export const IconRepeat = () => (
  <Icon name="repeat">
    <rect class="shape" x="6" y="6" width="108" height="108" rx="26" />
    <path class="mark" d="M88 52a30 30 0 0 0-54-7M32 68a30 30 0 0 0 54 7" />
    <path class="mark" d="M34 26v20h20M86 94V74H66" />
  </Icon>
);

export const IconRefused = () => (
  <Icon name="refused">
    <path class="shape" d="M38 4h44l34 34v44l-34 34H38L4 82V38z" />
    <path class="mark" d="M42 42l36 36M78 42L42 78" />
  </Icon>
);

export const IconAsk = () => (
  <Icon name="ask">
    <path class="shape" d="M60 6 116 108H4z" />
    <path class="mark" d="M60 44v30" />
    <circle class="dot" cx="60" cy="91" r="6" />
  </Icon>
);

export const IconOutOfOrder = () => (
  <Icon name="out-of-order">
    <circle class="shape" cx="60" cy="60" r="56" />
    <path class="mark" d="M32 60h56" />
  </Icon>
);

export const IconLost = () => (
  <Icon name="lost">
    <path class="mark" d="M6 60h16M98 60h16" />
    <path class="mark" d="M44 36H34a12 12 0 0 0-12 12v24a12 12 0 0 0 12 12h10zM44 50h14M44 70h14" />
    <path class="mark" d="M78 36h8a12 12 0 0 1 12 12v24a12 12 0 0 1-12 12h-8z" />
  </Icon>
);

export const IconStarting = () => (
  <Icon name="starting">
    <circle class="track" cx="60" cy="60" r="46" />
    <path class="mark spin" d="M60 14a46 46 0 0 1 46 46" />
  </Icon>
);

/** A card with its code between the four corners a reader draws; the light line shows where to hold it. */
export const IconCard = () => (
  <svg class="icon icon-card" viewBox="0 0 200 150" aria-hidden="true" focusable="false">
    <path class="corner" d="M6 34V6h34M160 6h34v28M194 116v28h-34M40 144H6v-28" />
    <rect class="card" x="30" y="32" width="140" height="86" rx="10" />
    <circle class="face" cx="62" cy="64" r="11" />
    <path class="face" d="M44 98c0-14 8-20 18-20s18 6 18 20z" />
    <path
      class="code"
      d="M100 50h20v20h-20zM136 50h20v20h-20zM100 86h20v20h-20zM136 86h8v8h-8zM148 94h8v12h-8zM136 100h8v6h-8zM125 52h6v8h-6zM125 66h6v14h-6zM102 75h10v6h-10zM140 75h14v6h-14z"
    />
    <path class="eye" d="M106 56h8v8h-8zM142 56h8v8h-8zM106 92h8v8h-8z" />
    <path class="beam" d="M18 75h164" />
  </svg>
);

export const IconDirection = ({ direction }: { readonly direction: "in" | "out" | "auto" }) => (
  <svg class="icon-direction" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    {direction === "in" && <path d="M3 12h12m-5-5 5 5-5 5M14 4h6v16h-6" />}
    {direction === "out" && <path d="M9 12h12m-5-5 5 5-5 5M10 4H4v16h6" />}
    {direction === "auto" && <path d="M4 9h15m-4-4 4 4M20 15H5m4 4-4-4" />}
  </svg>
);
