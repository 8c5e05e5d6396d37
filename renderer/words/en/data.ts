import { en } from "../format.ts";

export const data = {
  title: "Data",
  reading: "Reading the table…",
  found: (rows: number, columns: number) =>
    `${en.plural(rows, { one: "# row", other: "# rows" })}, ${en.plural(columns, { one: "# column", other: "# columns" })}`,
  predicting: (target: string, task: "regression" | "classification", classes: number | null) =>
    task === "regression"
      ? `predicting '${target}', a number`
      : `predicting '${target}', ${classes ? `one of ${en.count(classes)} values` : "a category"}`,
  noTarget: "No column can be predicted: each is empty, free text, or has only one value.",
  /** Between the two halves of the sentence. */
  join: "; ",
  end: ".",
  predict: "Predict",
  predictHelp: {
    name: "Chosen because of its name.",
    last: "Chosen because it is the last column.",
    only: "The only column that can be predicted.",
    user: "Your choice.",
  },
  as: "As",
  tasks: { regression: "a number", classification: "a category" },
  file: (bytes: string, encoding: string, delimiter: string) => `${bytes} · ${encoding} · separated by ${delimiter}`,
  delimiters: { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces" } as Record<string, string>,
  problemsTitle: "Worth knowing",
  problemsMore: (n: number) => en.plural(n, { one: "# more note", other: "# more notes" }),
  profile: "Columns",
  column: "Column",
  types: { number: "number", category: "category", date: "date", text: "text", empty: "empty" },
  distribution: "Distribution",
  values: "Values",
  missing: "Missing",
  missingNone: "none",
  use: "Use",
  useOf: (name: string) => `Use '${name}' as an input`,
  isTarget: "to predict",
  ignored: {
    constant: "one value only",
    empty: "nothing in it",
    identifier: "names each row",
    freeText: "free text",
    user: "left out by you",
  },
  distinct: (n: number) => en.plural(n, { one: "# value", other: "# values" }),
  range: (low: string, high: string) => `${low} – ${high}`,
  numberShape: (min: string, median: string, max: string) => `from ${min} to ${max}, half of them below ${median}`,
  times: (value: string, share: string) => `${value} (${share})`,
  showAll: (n: number) => `Show all ${en.count(n)} columns`,
  showLess: "Show fewer",
  rows: "Rows",
  rowsFrom: (from: string, to: string, of: string) => `Rows ${from}–${to} of ${of}`,
  rowsBefore: "Earlier rows",
  rowsAfter: "Later rows",
  row: "Row",
};
