import { IconLost, IconOutOfOrder, IconRefused, IconStarting } from "../components/icons.tsx";
import { Said } from "../components/shown.tsx";
import { useStation } from "../station.ts";
import { AcceptedScreen } from "./accepted.tsx";
import { AskScreen } from "./ask.tsx";
import { EnrolmentScreen, showsEnrolment } from "./enrolment.tsx";
import { Notice } from "./notice.tsx";
import { ReaderTestScreen } from "./reader-test.tsx";
import { ReadyScreen } from "./ready.tsx";
import { RefusedScreen } from "./refused.tsx";
import { RepeatScreen } from "./repeat.tsx";

/** The visitor's screen: the connection first, because an outcome without a living agent behind it is worth nothing. */
export function Stage({ onReadNotice }: { readonly onReadNotice: () => void }) {
  const { received, link, missed, texts } = useStation();
  const { screen, readerTest, enrolment } = received.value?.view ?? {};
  if (missed.value !== null) {
    return (
      <Notice
        key={missed.value}
        icon={<IconRefused />}
        label={texts.value.refusedLabel}
        title={texts.value.missedTitle}
        next={texts.value.missedNext}
      />
    );
  }
  if (!screen) {
    if (link.value === "no-token")
      return <Notice icon={<IconLost />} title={texts.value.noTokenTitle} next={texts.value.noTokenNext} />;
    if (link.value === "first")
      return <Notice icon={<IconStarting />} title={texts.value.startingTitle} next={texts.value.startingNext} />;
    return (
      <Notice
        icon={<IconLost />}
        label={texts.value.outOfOrderLabel}
        title={texts.value.disconnectedTitle}
        next={texts.value.disconnectedNext}
      >
        <p class="aside">{texts.value.disconnectedStaff}</p>
      </Notice>
    );
  }
  // A question waits for staff; anything else of the other readers has its line beside the test.
  if (readerTest && screen.state !== "ask") return <ReaderTestScreen test={readerTest} screen={screen} />;
  switch (screen.state) {
    case "starting":
      return <Notice icon={<IconStarting />} title={texts.value.startingTitle} next={texts.value.startingNext} />;
    case "ready":
      return enrolment !== undefined && showsEnrolment(enrolment) ? (
        <EnrolmentScreen enrolment={enrolment} />
      ) : (
        <ReadyScreen onReadNotice={onReadNotice} />
      );
    case "accepted":
      return <AcceptedScreen key={screen.scanId} screen={screen} />;
    case "repeat":
      return <RepeatScreen key={screen.scanId} screen={screen} />;
    case "refused":
      return <RefusedScreen key={screen.scanId} screen={screen} />;
    case "ask":
      return <AskScreen key={screen.scanId} screen={screen} />;
    case "out-of-order":
      return (
        <Notice
          icon={<IconOutOfOrder />}
          label={texts.value.outOfOrderLabel}
          title={<Said sentence={screen.title} />}
          next={<Said sentence={screen.next} />}
        />
      );
  }
}
