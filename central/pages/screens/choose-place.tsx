import type { Place } from "../session.ts";
import { texts } from "../texts.ts";

/** The list of places when the person serves several, or a sentence when there is none. */
export function ChoosePlace({ places, choose }: { places: readonly Place[]; choose: (id: string) => void }) {
  if (places.length === 0) return <p class="card notice">{texts.value.noPlace}</p>;
  return (
    <section class="card">
      <h1>{texts.value.choose}</h1>
      <ul class="places">
        {places.map((place) => (
          <li key={place.id}>
            <button type="button" class="place" onClick={() => choose(place.id)}>
              <span>{place.name}</span>
              <small>{texts.value.role[place.role]}</small>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
