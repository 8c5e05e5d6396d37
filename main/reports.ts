// What a run's folder tells of its answers: report.json, and mistakes.json with the samples that are kept to be looked at. Reports of version 1
// had both in one file, judged on one split.
import * as v from "valibot";
import { AppError } from "../ipc/error.ts";
import type { Importance, Mistake, PartReport, RunMistakes, RunReport, SplitName } from "../ipc/types.ts";
import { readText } from "./files.ts";
import { notTrained, runFiles } from "./runs.ts";

/** A row of version 1: `badness` is the probability of the wrong answer, or the distance from the truth. */
type OldMistake = Pick<Mistake, "row" | "cells" | "truth" | "prediction"> & { badness: number };

interface OldReport extends Omit<RunReport, "version" | "kind" | "parts"> {
  version?: undefined;
  confusion?: { labels: string[]; counts: number[][] };
  scatter?: { truth: number[]; predicted: number[] };
  columns: string[];
  mistakes: OldMistake[];
}

const texts = v.array(v.string());
const numbers = v.record(v.string(), v.unknown());
const lists = v.array(v.looseObject({}));

/** What is relied on here; the rest is passed on as it was written. */
const schemas = {
  old: v.looseObject({
    metrics: numbers,
    rows: numbers,
    columns: texts,
    mistakes: v.array(v.looseObject({ cells: texts })),
    confusion: v.optional(v.looseObject({ counts: v.array(v.array(v.number())) })),
    scatter: v.optional(v.looseObject({})),
  }),
  report: v.looseObject({ parts: v.looseObject({}) }),
  kept: v.looseObject({ columns: texts, parts: v.looseObject({ train: lists, validation: lists, test: lists }) }),
};

/** Throws runNotTrained, runInvalid, runNewer. */
export async function readReport(folder: string): Promise<RunReport> {
  const read = await readWritten(folder);
  return read.version === undefined ? lifted(read).report : read;
}

/** The samples of a split that are kept to be looked at, the worst first. Throws runNotTrained, runInvalid, runNewer. */
export async function readMistakes(folder: string, split: SplitName): Promise<{ columns: string[]; mistakes: Mistake[] }> {
  const read = await readWritten(folder);
  const found = read.version === undefined ? lifted(read).mistakes : await readKept(folder);
  return { columns: found.columns, mistakes: found.parts[split] };
}

/** What was measured before; null where nothing was, or by a newer version. */
export async function readImportance(folder: string): Promise<Importance | null> {
  const known = await readObject<Importance>(runFiles(folder).importance);
  return known && (known.version as number) === 1 ? known : null;
}

async function readWritten(folder: string): Promise<RunReport | OldReport> {
  const path = runFiles(folder).report;
  const report = await readObject<RunReport | OldReport>(path);
  if (!report) throw notTrained(folder);
  if (report.version !== undefined && (report.version as number) > 2) throw newer(path);
  if (!v.is(report.version === undefined ? schemas.old : schemas.report, report)) throw damaged(path);
  return report;
}

/** A run of which only the report was copied has none to show. */
async function readKept(folder: string): Promise<RunMistakes> {
  const path = runFiles(folder).mistakes;
  const kept = await readObject<RunMistakes>(path);
  if (kept && (kept.version as number) !== 1) throw newer(path);
  if (kept && !v.is(schemas.kept, kept)) throw damaged(path);
  return kept ?? { version: 1, columns: [], parts: { train: [], validation: [], test: [] } };
}

async function readObject<T extends object>(path: string): Promise<T | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as T;
    throw new Error("not an object");
  } catch (thrown) {
    throw damaged(path, thrown);
  }
}

const damaged = (path: string, cause?: unknown) =>
  new AppError("runInvalid", `The report '${path}' is damaged.`, "Resume or repeat the run.", { path }, cause);

const newer = (path: string) =>
  new AppError("runNewer", `'${path}' was written by a newer Paddock.`, "Update Paddock to open it.", { path });

/** What version 1 knew, where version 2 has it. */
function lifted(old: OldReport): { report: RunReport; mistakes: RunMistakes } {
  const { confusion, scatter, columns, mistakes, ...rest } = old;
  const split: SplitName = old.metrics.test ? "test" : "train";
  const pictures = old.pictures !== undefined;
  const kept = mistakes.map(({ row, cells, truth, prediction, badness }): Mistake => {
    const shared = { row, truth, prediction, right: false, loss: badness };
    const where = pictures ? { cells: [], ...(cells[0] === undefined ? {} : { file: cells[0] }) } : { cells };
    return { ...shared, ...where, ...(confusion ? { sure: badness } : {}) };
  });
  const rows = confusion ? confusion.counts.flat().reduce((sum, n) => sum + n, 0) : old.rows[split];
  const part: PartReport = {
    rows,
    of: old.rows[split],
    kept: kept.length,
    ...(confusion ? { confusion, wrong: rows - confusion.counts.reduce((sum, row, i) => sum + row[i]!, 0) } : {}),
    ...(scatter ? { scatter: { ...scatter, rows: [] } } : {}),
  };
  return {
    report: {
      ...rest,
      version: 2,
      kind: pictures ? "images" : old.task === "recommend" ? "ratings" : "table",
      parts: { train: null, validation: null, test: null, [split]: part },
    },
    mistakes: { version: 1, columns: pictures ? [] : columns, parts: { train: [], validation: [], test: [], [split]: kept } },
  };
}
