import type { MaskedPerson } from "../../agent/kiosk-port/view.ts";
import { Shown } from "../components/shown.tsx";
import { useStation } from "../station.ts";

/** A masked person: name and number as the agent masked them. A long name is drawn smaller, never cut. */
export function Person({ person }: { readonly person: MaskedPerson }) {
  const { texts } = useStation();
  const name = person.name;
  return (
    <div class="person">
      <p class="name" data-long={(name?.length ?? 0) > 22}>
        {name === null ? texts.value.nameUnreadable : <Shown text={name} />}
      </p>
      {person.number !== null && (
        <p class="number">
          <Shown text={person.number} />
        </p>
      )}
    </div>
  );
}

/** Time and lane in one quiet line; either may be left out. */
export function Facts({ time, lane }: { readonly time?: string; readonly lane: string }) {
  const { texts } = useStation();
  return (
    <p class="facts">
      {time && (
        <span>
          {texts.value.timeLabel} <strong>{time}</strong>
        </span>
      )}
      <span>
        {texts.value.laneLabel}{" "}
        <strong>
          <Shown text={lane} />
        </strong>
      </span>
    </p>
  );
}
