/** A place among the uploads in hand. It is free again when everybody who holds it has let go. */
export interface UploadPlace {
  /** Somebody else works with it, too. */
  hold(): void;
  release(): void;
}

/** Bounds how many uploads are in hand at once, from their first byte to their answer, and so the memory they take. */
export interface UploadGate {
  /** A place, held once, or null when all are taken. */
  enter(): UploadPlace | null;
}

export function uploadGate(places: number): UploadGate {
  let taken = 0;
  return {
    enter() {
      if (taken >= places) return null;
      taken += 1;
      let holders = 1;
      return {
        hold: () => {
          // Its caller may have hung up already: the work is still to be counted.
          if (holders === 0) taken += 1;
          holders += 1;
        },
        release: () => {
          holders -= 1;
          if (holders === 0) taken -= 1;
        },
      };
    },
  };
}
