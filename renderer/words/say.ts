// What the host says in codes and facts, in the reader's words. Where a language has none of its own for a code, the host's English
// sentence is shown: a true sentence in another language is better than none.
import type { ErrorCode, ErrorData, ErrorRecord } from "../../ipc/error.ts";
import type { PictureProblem, Problem, Referee } from "../../ipc/types.ts";

export type Facts = ErrorData;

export interface ErrorWords {
  /** A few words, as a heading. */
  title: string;
  what?: (facts: Facts) => string;
  todo?: string | ((facts: Facts) => string);
}
export type ErrorDictionary = Record<ErrorCode, ErrorWords>;

export interface ProblemWords {
  what?: (facts: Facts, column: string) => string;
  todo?: string;
}
export type ProblemDictionary = Record<Problem["code"], ProblemWords>;
export type PictureProblemDictionary = Record<PictureProblem["code"], ProblemWords>;

export type RefereeDictionary = Record<Referee["code"], ((facts: Facts) => string | undefined) | null>;

export interface Told {
  title: string;
  what: string;
  todo: string;
}

export function tellError(words: ErrorDictionary, error: ErrorRecord): Told {
  const entry = words[error.code];
  return {
    title: entry.title,
    what: entry.what?.(error.data) ?? error.message,
    todo: (typeof entry.todo === "function" ? entry.todo(error.data) : entry.todo) ?? error.hint,
  };
}

/** What is told of data: a code and its facts, with the host's own sentence. */
export type Finding = Pick<Problem, "column" | "row" | "data" | "message" | "hint" | "shows"> & { code: string };

export function tellProblem(words: Partial<Record<string, ProblemWords>>, problem: Finding): { what: string; todo: string } {
  const entry = words[problem.code] ?? {};
  const facts: Facts = problem.row === undefined ? problem.data : { row: problem.row, ...problem.data };
  return { what: entry.what?.(facts, problem.column ?? "") ?? problem.message, todo: entry.todo ?? problem.hint };
}

export function tellReferee(words: RefereeDictionary, referee: Referee): string {
  return words[referee.code]?.(referee.data) ?? referee.message;
}

/** A fact as text, "" when it is not there. */
export function fact(facts: Facts, ...names: string[]): string {
  for (const name of names) {
    const value = facts[name];
    if (value !== undefined && value !== null) return Array.isArray(value) ? value.join(", ") : String(value);
  }
  return "";
}

export function factNumber(facts: Facts, name: string): number | undefined {
  const value = facts[name];
  return typeof value === "number" ? value : undefined;
}
