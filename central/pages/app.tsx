import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { clearBoard } from "./board.ts";
import { LanguageToggle } from "./components/language-toggle.tsx";
import { language, texts } from "./i18n/texts.ts";
import { placePath, type Route, route } from "./route.ts";
import { Check } from "./screens/check.tsx";
import { Enrol } from "./screens/enrol.tsx";
import { PlacePage } from "./screens/place-page.tsx";
import { Places } from "./screens/places.tsx";
import { Register } from "./screens/register.tsx";
import { Requests } from "./screens/requests.tsx";
import { SignIn } from "./screens/sign-in.tsx";
import { places } from "./service.ts";
import { signedInAs, signOut } from "./session.ts";
import { removals } from "./staff-removal.ts";

/** Nothing of one person stays for the next. */
effect(() => {
  if (signedInAs.value !== null) return;
  places.value = null;
  removals.value = [];
  clearBoard();
});

effect(() => {
  document.documentElement.lang = language.value;
});

/** The program: a header, and the page the address names. Whoever is not signed in comes to it by signing in. */
export function App() {
  const t = texts.value;
  const current = route.value;
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const signedIn = signedInAs.value !== null;

  useEffect(() => {
    document.title = "Trạm QR";
    // A new page begins at its top, and a screen reader reads its heading.
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [current, signedIn]);

  return (
    <>
      <header class="top">
        <a class="brand" href="#/" aria-label={t.program}>
          <img src={new URL("./icon.svg", import.meta.url).href} alt="" width="32" height="32" />
          <span>Trạm QR</span>
        </a>
        <div class="top-actions">
          <LanguageToggle />
          {signedIn ? (
            <button type="button" class="plain" onClick={() => void signOut()}>
              {t.signIn.signOut}
            </button>
          ) : null}
        </div>
      </header>
      <main ref={main}>
        {current.page === "check" ? <Check signedIn={signedIn} /> : signedIn ? <Page current={current} /> : <SignIn />}
      </main>
    </>
  );
}

function Page({ current }: { readonly current: Route }) {
  switch (current.page) {
    case "places":
      return <Places section="overview" />;
    case "live":
      return <LivePlace />;
    case "requests":
      return <Requests />;
    case "register":
      return <Register key={current.parentId} parentId={current.parentId} />;
    case "enrol":
      return <Enrol key={current.userCode} userCode={current.userCode} />;
    case "place":
      return <PlacePage key={current.id} id={current.id} section={current.section} />;
    case "check":
    case "unknown":
      return <p class="empty">{texts.value.common.notFound}</p>;
  }
}

/** Whoever has one place watches it at once; others choose. */
function LivePlace() {
  const mine = places.value;
  const only = mine?.length === 1 ? mine[0] : undefined;
  useEffect(() => {
    if (only) location.replace(placePath(only.id, "live"));
  }, [only]);
  return only ? null : <Places section="live" />;
}
