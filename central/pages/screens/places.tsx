import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { StateTag } from "../components/state-tag.tsx";
import { texts } from "../i18n/texts.ts";
import { useLoaded } from "../load.ts";
import { type PlaceNode, placeTree } from "../place-tree.ts";
import { placePath, type Section } from "../route.ts";
import { loadPlaces, places } from "../service.ts";
import { signedInAs } from "../session.ts";

/** All places of the signed-in person, parts under their place; `section` is where a place leads. */
export function Places({ section }: { readonly section: Section }) {
  const t = texts.value;
  const loaded = useLoaded(loadPlaces, "places");
  const owner = signedInAs.value === "owner";
  return (
    <div class="narrow">
      <h1 tabIndex={-1}>{section === "live" ? t.places.choose : t.places.title}</h1>
      <LoadedView loaded={{ ...loaded, value: places.value ?? loaded.value }}>
        {(mine) =>
          mine.length === 0 ? (
            <p class="empty">{owner ? t.places.none : t.places.noneStaff}</p>
          ) : (
            <Tree nodes={placeTree(mine)} section={section} />
          )
        }
      </LoadedView>
      <div class="buttons wide">
        {owner ? (
          <>
            <a class="button primary" href="#/register">
              {t.places.register}
            </a>
            <a class="button" href="#/enrol">
              {t.places.approve}
            </a>
            <a class="button" href="#/requests">
              {t.menu.requests}
            </a>
          </>
        ) : null}
        <a class="button" href="#/check">
          {t.places.check}
        </a>
      </div>
    </div>
  );
}

function Tree({ nodes, section }: { readonly nodes: readonly PlaceNode[]; readonly section: Section }) {
  const t = texts.value;
  return (
    <ul class="places">
      {nodes.map(({ place, parts }) => (
        <li key={place.id}>
          <a href={placePath(place.id, section)}>
            <span class="who">
              <strong>
                <Outside text={place.name} />
              </strong>
              <small>
                {place.part ? `${t.part[place.part.type]}: ${place.part.label}` : (place.address.commune_name ?? "")}
              </small>
            </span>
            <span class="tags">
              {place.role === "owner" ? null : <span class="tag">{t.role[place.role]}</span>}
              <StateTag state={place.state} />
            </span>
          </a>
          {parts.length > 0 ? <Tree nodes={parts} section={section} /> : null}
        </li>
      ))}
    </ul>
  );
}
