import { IconCard } from "../components/icons.tsx";
import { useStation } from "../station.ts";

/** Nobody at the gate: an invitation and how to hold the card. */
export function ReadyScreen() {
  const { texts } = useStation();
  return (
    <div class="ready">
      <IconCard />
      <h2 class="title">{texts.value.readyTitle}</h2>
      <p class="next">{texts.value.readyHold}</p>
      <p class="cards">{texts.value.readyCards}</p>
    </div>
  );
}
