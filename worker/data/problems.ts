// What a person should know about the columns before training, said once, with what can be done.
import type { ColumnProfile, Problem, TargetGuess } from "../../ipc/types.ts";
import type { Answer } from "./answers.ts";
import type { Inferred } from "./infer.ts";

const few = 50;
const rare = 5;

export function columnProblems(columns: readonly ColumnProfile[], inferred: readonly Inferred[], rows: number): Problem[] {
  const problems: Problem[] = [];
  const tell = (code: Problem["code"], column: string, data: Problem["data"], message: string, hint: string, row?: number): void => {
    problems.push({ code, column, data, message, hint, ...(row === undefined ? {} : { row }) });
  };
  for (const [i, column] of columns.entries()) {
    const { name } = column;
    const { reading, marks, unreadable } = inferred[i]!;
    if (column.type === "empty") {
      tell("emptyColumn", name, {}, `"${name}" has no value in any row.`, "It is left out; remove it if you like.");
      continue;
    }
    if (reading.type === "number" && reading.format !== "plain")
      tell(
        "numbersAsText",
        name,
        { format: reading.format },
        `The numbers of "${name}" are written like ${column.examples[0] ?? reading.format}; they were read as numbers.`,
        "Look whether the smallest and the largest are right.",
      );
    if (marks.length > 0) {
      const count = marks.reduce((sum, mark) => sum + mark.count, 0);
      const list = marks
        .slice(0, 5)
        .map(({ value }) => `"${value}"`)
        .join(", ");
      tell(
        "missingMarks",
        name,
        { marks: list, count },
        `"${name}" says ${list} in ${count} row${count === 1 ? "" : "s"}: taken as missing.`,
        "Nothing to do if that is what it means.",
      );
    }
    if (unreadable.count > 0) {
      const examples = unreadable.examples.map((text) => `"${text}"`).join(", ");
      tell(
        "unreadableNumbers",
        name,
        { count: unreadable.count, examples },
        `${unreadable.count} value${unreadable.count === 1 ? "" : "s"} of "${name}" could not be read as a ${reading.type} (${examples}); taken as missing.`,
        "Correct them in the file where they matter.",
        unreadable.row,
      );
    }
    if (column.ignored === "constant")
      tell(
        "constantColumn",
        name,
        { value: column.examples[0] ?? "" },
        `"${name}" has the same value in every row.`,
        "It is left out: nothing can be learned from it.",
      );
    else if (column.ignored === "identifier")
      tell(
        "identifierColumn",
        name,
        { distinct: column.distinct },
        `"${name}" numbers or names the rows: every value is another.`,
        "It is left out; take it in where its values do mean something.",
      );
    else if (column.ignored === "freeText")
      tell(
        "freeTextColumn",
        name,
        { distinct: column.distinct },
        `"${name}" holds free text.`,
        "It is left out: a table model does not read text.",
      );
    else if (column.type === "category" && column.distinct > 1000)
      tell(
        "manyCategories",
        name,
        { distinct: column.distinct },
        `"${name}" has ${column.distinct} different values.`,
        "The most frequent are learned one by one, the rest together.",
      );
    if (!column.ignored && column.missing > rows / 2)
      tell(
        "mostlyMissing",
        name,
        { missing: column.missing, percent: Math.round((100 * column.missing) / rows) },
        `"${name}" is missing in ${column.missing} of ${rows} rows.`,
        "That a value is missing is learned from too; leave the column out if it only adds noise.",
      );
  }
  if (rows < few)
    problems.push({
      code: "fewRows",
      data: { rows },
      message: `The table has only ${rows} row${rows === 1 ? "" : "s"}.`,
      hint: "A few hundred rows or more make a result that holds.",
    });
  return problems;
}

export function duplicates(count: number): Problem[] {
  if (count === 0) return [];
  const message = `${count} row${count === 1 ? " is" : "s are"} an exact copy of another row.`;
  return [{ code: "duplicateRows", data: { count }, message, hint: "Copies stay on one side of the split, so the test stays honest." }];
}

export function targetProblems(target: TargetGuess, columns: readonly ColumnProfile[], answers: readonly Answer[]): Problem[] {
  const problems: Problem[] = [];
  const column = columns.find(({ name }) => name === target.column)!;
  const name = target.column;
  for (const answer of answers) {
    const told = answer.columns.map((part) => `"${part}"`).join(" + ");
    const message =
      answer.columns.length === 1 ? `${told} says the same as "${name}" in other words.` : `${told} add up to exactly "${name}".`;
    for (const part of answer.columns)
      problems.push({
        code: "answerColumn",
        column: part,
        data: { target: name, columns: answer.columns.join(", ") },
        message,
        hint: "Leave it out if it is not known when you want to predict.",
      });
  }
  if (column.missing > 0)
    problems.push({
      code: "targetMissingRows",
      column: name,
      data: { count: column.missing },
      message: `"${name}" is missing in ${column.missing} row${column.missing === 1 ? "" : "s"}.`,
      hint: "These rows are not learned from.",
    });
  const scarce = target.task === "classification" ? (column.top ?? []).filter(({ count }) => count < rare) : [];
  if (scarce.length > 0) {
    const list = scarce
      .slice(0, 5)
      .map(({ value }) => `"${value}"`)
      .join(", ");
    problems.push({
      code: "rareClasses",
      column: name,
      data: { classes: list, count: scarce.length },
      message: `${list}${scarce.length > 5 ? ", …" : ""}: fewer than ${rare} rows of this kind.`,
      hint: "Such classes are hardly learned: add rows, or join them to others.",
    });
  }
  return problems;
}
