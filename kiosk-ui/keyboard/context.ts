import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { KeyboardCapture } from "./capture.ts";

export const KeyboardContext = createContext<KeyboardCapture | null>(null);

/** The keys of this page; only inside the tree that `main.tsx` draws. */
export function useKeyboard(): KeyboardCapture {
  const keyboard = useContext(KeyboardContext);
  if (!keyboard) throw new Error("useKeyboard outside of KeyboardContext");
  return keyboard;
}
