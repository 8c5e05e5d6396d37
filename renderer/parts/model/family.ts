// The sort of network in the reader's words, where it is one that we name; a maker's own name stays as it is.
import { say } from "../../state/words.svelte.ts";

export function familyOf(family: string): string {
  const names: Readonly<Record<string, string>> = say.shelf.families;
  return Object.hasOwn(names, family) ? names[family]! : family;
}
