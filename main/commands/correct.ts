// paddock correct: sets right an answer of the data that a run learned from, lists what was set right, withdraws it.
import { Command } from "commander";
import { AppError } from "../../ipc/error.ts";
import type { FoundSample, ListedCorrection, TrainSpec } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { columns } from "./output.ts";
import { whole } from "./values.ts";

interface Options {
  row?: number;
  to?: string;
  undo?: string;
}

export function correctCommand(): Command {
  return new Command("correct")
    .description(
      "set right a wrong answer of the data; what is set right is learned by `paddock train --from RUN`, and the data stay as they are",
    )
    .argument("<run>", "the folder of a run, or its id")
    .option("--row <n>", "the row, picture or text, counted from 1 as the run's mistakes are", whole(1))
    .option("--to <answer>", "what the answer is: a class of the run, or a number")
    .option("--undo <id>", "withdraw a correction")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, options: Options) => {
        const { row, to, undo } = options;
        if ((row === undefined) !== (to === undefined) || (undo !== undefined && row !== undefined))
          throw new AppError(
            "usage",
            "Say which row and what it is.",
            "paddock correct RUN --row N --to ANSWER, or --undo ID, or neither.",
          );
        const { findTrained } = await import("./runPath.ts");
        const { correct, correctionsFile, listCorrections, undoCorrection } = await import("../corrections.ts");
        const { readRun } = await import("../runs.ts");
        const { paths, signal } = context;
        const run = await findTrained(given, paths);
        const record = await readRun(run);
        const file = correctionsFile(run, record, paths);
        const list = await context.withWorker(async (api) => {
          const find = (input: { spec: TrainSpec; rows?: number[]; hashes?: string[] }): Promise<FoundSample[]> =>
            api.findSamples({ ...input, cache: paths.cache }, signal);
          if (undo !== undefined) await undoCorrection(file, undo);
          else if (row !== undefined) await correct(file, run, { sample: { row }, to: to!, origin: "commandLine" }, find);
          return listCorrections(file, { ...record.spec, ...(record.plan ? { target: record.plan.target } : {}) }, find);
        });
        return { json: { file, corrections: list }, text: told(list, given) };
      }),
    );
}

function told(list: readonly ListedCorrection[], run: string): string {
  if (list.length === 0) return "Nothing is corrected.";
  const rows = list.map(({ id, row, file, from, to, when, run: seen, lost }) => [
    id,
    lost ? "row changed or gone" : (file ?? `row ${row}`),
    `${from || "(none)"} → ${to}`,
    new Date(when).toISOString().slice(0, 16).replace("T", " "),
    seen,
  ]);
  const head = ["id", "where", "answer", "when (UTC)", "seen in"];
  return `${columns([head, ...rows])}\n\nLearn from them: paddock train --from ${run}`;
}
