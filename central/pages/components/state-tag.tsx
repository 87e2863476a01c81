import { texts } from "../i18n/texts.ts";

const colour: Record<string, string> = { active: "calm", suspended: "warn", closed: "alert", merged: "warn" };

export const StateTag = ({ state }: { readonly state: string }) => (
  <span class={`tag ${colour[state] ?? ""}`}>{texts.value.state[state] ?? state}</span>
);
