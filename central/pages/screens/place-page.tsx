import { LoadedView } from "../components/loaded-view.tsx";
import { Outside } from "../components/outside-text.tsx";
import { texts } from "../i18n/texts.ts";
import { type Loaded, useLoaded } from "../load.ts";
import { placePath, type Section, sections } from "../route.ts";
import { loadPlace } from "../service.ts";
import type { Place, PlaceDetail } from "../wire.ts";
import { AccessLog } from "./access-log.tsx";
import { Board } from "./board.tsx";
import { Devices } from "./devices.tsx";
import { EditPlace } from "./edit-place.tsx";
import { Exports } from "./exports.tsx";
import { HeldScans } from "./held-scans.tsx";
import { Overview } from "./overview.tsx";
import { Poster } from "./poster.tsx";
import { Staff } from "./staff.tsx";

/** What each role has a page for; the service decides what it may do there. */
export function sectionsFor(role: Place["role"]): readonly Section[] {
  switch (role) {
    case "owner":
      return sections;
    case "supervisor":
      return ["overview", "live", "staff", "devices", "poster", "exports"];
    case "scanner":
      return ["overview", "live"];
  }
}

/** What every page of a place is given. */
export interface PlaceProps {
  readonly place: PlaceDetail;
  readonly loaded: Loaded<PlaceDetail>;
}

/** One place: its menu, and the page that is open. */
export function PlacePage({ id, section }: { readonly id: string; readonly section: Section }) {
  const loaded = useLoaded(() => loadPlace(id), id);
  return (
    <LoadedView loaded={loaded}>
      {(place) => (
        <div class="place" data-section={section}>
          <aside class="place-side">
            <a class="back to-places" href="#/">
              {texts.value.places.title}
            </a>
            <a class="back to-place" href={placePath(id)}>
              <Outside text={place.name} />
            </a>
            <p class="place-name">
              <Outside text={place.name} />
            </p>
            <nav aria-label={place.name}>
              <ul class="menu">
                {sectionsFor(place.role).map((each) => (
                  <li key={each}>
                    <a href={placePath(id, each)} aria-current={each === section ? "page" : undefined}>
                      {texts.value.menu[each]}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
          </aside>
          <section class="sheet" key={`${id}/${section}`}>
            <SectionPage section={section} place={place} loaded={loaded} />
          </section>
        </div>
      )}
    </LoadedView>
  );
}

function SectionPage({ section, ...props }: PlaceProps & { readonly section: Section }) {
  if (!sectionsFor(props.place.role).includes(section)) return <p class="empty">{texts.value.problems.forbidden}</p>;
  switch (section) {
    case "overview":
      return <Overview {...props} />;
    case "live":
      return <Board {...props} />;
    case "held":
      return <HeldScans {...props} />;
    case "staff":
      return <Staff {...props} />;
    case "devices":
      return <Devices {...props} />;
    case "poster":
      return <Poster {...props} />;
    case "exports":
      return <Exports {...props} />;
    case "settings":
    case "edit":
      return <EditPlace {...props} part={section} />;
    case "access":
      return <AccessLog {...props} />;
  }
}
