// The language in force and its words. Components read `say.home.title` and `format().number(x)`; both follow a change at once.
import { dictionaries, type Formats, formats, type Language, type Words } from "../words/index.ts";

class Tongue {
  now = $state<Language>("en");
}

/** One for the whole page: words are the same everywhere. */
export const tongue = new Tongue();

export const format = (): Formats => formats[tongue.now];

/** The words of the language in force; every section is read anew, so that markup follows a change. */
export const say: Words = Object.defineProperties(
  {} as Words,
  Object.fromEntries(
    Object.keys(dictionaries.en).map((section) => [
      section,
      { enumerable: true, get: () => dictionaries[tongue.now][section as keyof Words] },
    ]),
  ),
);
