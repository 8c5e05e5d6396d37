// The health of data for a spec: tables and texts are looked into here; the other kinds tell theirs when they are read.
import { AppError } from "../../../ipc/error.ts";
import type { CorrectionsTaken, Problem, ProblemRows, TrainSpec } from "../../../ipc/types.ts";
import { healthOf, pageOf, type Subject } from "../../data/health/index.ts";
import { textKeySql } from "../../data/split.ts";
import type { CorrectedTable } from "../../data/corrected.ts";
import { correctedTable, takenOf } from "../../data/corrections.ts";
import { openTable } from "../../data/table.ts";
import { asTexts } from "../../data/text/inspectText.ts";
import { openTexts } from "../../data/text/openTexts.ts";
import { chooseText } from "../../data/text/textColumn.ts";
import { correctionsFor } from "../corrections.ts";
import { defaults } from "../plan.ts";
import { kindOf, kinds } from "./index.ts";
import type { Source } from "./kind.ts";
import { chooseTarget } from "./table.ts";

/** Throws what reading throws. */
export async function health(spec: TrainSpec, source: Source): Promise<Problem[]> {
  const kind = await kindOf(spec.data, spec, source);
  if (kind === "table" || kind === "text")
    return withSubject(spec, source, kind === "text", async (subject, taken) => [...corrections(taken), ...(await healthOf(subject))]);
  const found = await kinds[kind].inspect(spec.data, { ...source, ...(spec.part === undefined ? {} : { part: spec.part }) });
  // What pictures and models tell has codes of its own, and is in their profile.
  return found.kind === "images" || found.kind === "model" ? [] : found.problems;
}

/** Throws what reading throws; usage where there are no rows. */
export async function problemRows(
  spec: TrainSpec,
  wanted: { code: Problem["code"]; column?: string; offset: number; limit: number },
  source: Source,
): Promise<ProblemRows> {
  const kind = await kindOf(spec.data, spec, source);
  if (kind !== "table" && kind !== "text")
    throw new AppError("usage", "Only tables and texts have rows to show.", "Look at the data themselves.", { code: wanted.code });
  return withSubject(spec, source, kind === "text", (subject) => pageOf(subject, wanted));
}

function corrections(taken: CorrectionsTaken | undefined): Problem[] {
  if (!taken) return [];
  const { rows, lost } = taken;
  const without = lost
    ? ` ${lost} more ${lost === 1 ? "has" : "have"} lost ${lost === 1 ? "its row" : "their rows"}, which changed or went.`
    : "";
  return [
    {
      code: "corrections",
      data: { count: rows, lost },
      message: `${rows} ${rows === 1 ? "answer is" : "answers are"} corrected.${without}`,
      hint: "The corrected answers are what is learned and judged; the file stays as it is.",
    },
  ];
}

async function withSubject<T>(
  spec: TrainSpec,
  { cache, signal, onWorking }: Source,
  texts: boolean,
  work: (subject: Subject, taken: CorrectionsTaken | undefined) => Promise<T>,
): Promise<T> {
  let opened = await (texts ? openTexts : openTable)(spec.data, {
    cache,
    ...(spec.part === undefined ? {} : { part: spec.part }),
    signal,
    onProgress: (what, fraction) => onWorking?.({ what, fraction }),
  });
  try {
    let table: CorrectedTable = texts ? { ...opened, profile: asTexts(opened.profile) } : opened;
    const text = texts ? chooseText(opened.profile, spec).text : undefined;
    const { profile, readings } = table;
    const named = spec.target ?? profile.target?.column;
    const chosen = named === undefined ? undefined : chooseTarget(profile, { ...spec, target: named });
    const at = profile.columns.findIndex(({ name }) => name === chosen?.target);
    const target = chosen && at >= 0 ? { column: profile.columns[at]!, reading: readings[at]!, task: chosen.task } : undefined;
    if (target) table = opened = await correctedTable(table, target.reading, await correctionsFor(spec), signal);
    const key = text === undefined ? undefined : textKeySql(readings.find(({ name }) => name === text)!.index);
    const split = {
      seed: spec.seed ?? defaults.seed,
      split: spec.split ?? true,
      ...(spec.splitBy ? { by: spec.splitBy } : {}),
      ...(key === undefined ? {} : { key }),
    };
    const subject = { table, ...(target ? { target } : {}), ...(text === undefined ? {} : { text }), split, signal };
    return await work(subject, takenOf(table).corrections);
  } finally {
    await opened.close();
  }
}
