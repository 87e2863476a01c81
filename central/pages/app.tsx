import { signal } from "@preact/signals";
import { Board } from "./screens/board.tsx";
import { ChoosePlace } from "./screens/choose-place.tsx";
import { SignIn } from "./screens/sign-in.tsx";
import { places, signOut } from "./session.ts";
import { language, texts } from "./texts.ts";

const chosen = signal<string | null>(null);

/** The page: a header, and one screen according to what is known. */
export function App() {
  const mine = places.value;
  const place = mine?.find(({ id }) => id === chosen.value) ?? (mine?.length === 1 ? mine[0] : undefined);
  const leave = () => {
    chosen.value = null;
    void signOut();
  };
  return (
    <>
      <header class="top">
        <span class="brand">
          <img src={new URL("./icon.svg", import.meta.url).href} alt="" width="28" height="28" />
          Trạm QR
        </span>
        <span class="top-place">{place?.name ?? texts.value.title}</span>
        <nav class="top-actions">
          {place && mine && mine.length > 1 ? (
            <button type="button" class="quiet" onClick={() => (chosen.value = null)}>
              {texts.value.changePlace}
            </button>
          ) : null}
          <button
            type="button"
            class="quiet"
            lang={language.value === "vi" ? "en" : "vi"}
            onClick={() => (language.value = language.value === "vi" ? "en" : "vi")}
          >
            {texts.value.switchLanguage}
          </button>
          {mine ? (
            <button type="button" class="quiet" onClick={leave}>
              {texts.value.signOut}
            </button>
          ) : null}
        </nav>
      </header>
      <main>
        {mine === null ? (
          <SignIn />
        ) : place ? (
          <Board key={place.id} place={place} />
        ) : (
          <ChoosePlace places={mine} choose={(id) => (chosen.value = id)} />
        )}
      </main>
    </>
  );
}
