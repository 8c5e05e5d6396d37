// Names of columns as they stand in a file, made usable, with what there is to say about them.
import type { Problem } from "../../ipc/types.ts";
import { uniqueNames } from "./dialect.ts";

export function nameColumns(written: readonly string[]): { names: string[]; problems: Problem[] } {
  const { names, empty, doubled } = uniqueNames(written);
  const problems: Problem[] = [];
  for (const i of doubled)
    problems.push({
      code: "duplicateColumnName",
      column: names[i]!,
      row: 1,
      data: { name: written[i]!.trim(), column: i + 1 },
      message: `Two columns are called "${written[i]!.trim()}": column ${i + 1} is now "${names[i]!}".`,
      hint: "Give every column a name of its own.",
    });
  for (const i of empty)
    problems.push({
      code: "emptyColumnName",
      column: names[i]!,
      row: 1,
      data: { column: i + 1 },
      message: `Column ${i + 1} has no name: it is now "${names[i]!}".`,
      hint: "Give every column a name.",
    });
  return { names, problems };
}

export function noHeader(columns: number): Problem {
  return {
    code: "noHeader",
    data: { columns },
    message: "The file has no line of column names: the first line is a row like the others.",
    hint: "The columns are called column1, column2, … Add a first line with names if you like.",
  };
}
