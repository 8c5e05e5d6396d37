import type { ProblemDictionary } from "../say.ts";

/** The host's English sentences name the facts already. */
export const problems: ProblemDictionary = {
  noHeader: {},
  duplicateColumnName: {},
  emptyColumnName: {},
  raggedRows: {},
  encodingGuessed: {},
  mostlyMissing: {},
  missingMarks: {},
  constantColumn: {},
  emptyColumn: {},
  identifierColumn: {},
  freeTextColumn: {},
  numbersAsText: {},
  unreadableNumbers: {},
  manyCategories: {},
  duplicateRows: {},
  answerColumn: {},
  rareClasses: {},
  targetMissingRows: {},
  fewRows: {},
  pairsIncomplete: {},
  ratingsOutOfRange: {},
  duplicatePairs: {},
};
