// paddock evaluate: how good a run is on rows whose answer is known.
import { Command } from "commander";
import { resolve } from "node:path";
import type { Paths } from "../paths.ts";
import { action } from "./action.ts";
import { type PartOptions, partOf, sheetOption, tableOption } from "./part.ts";
import { columns, short } from "./output.ts";

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("measure a run on rows or pictures whose answer is known")
    .argument("<run>", "the folder of a run, or its model.onnx")
    .argument("<data>", "a file of rows with the target in it; a folder, zip or tar of pictures with their classes")
    .option(...sheetOption)
    .addOption(tableOption())
    .option("--json", "print one JSON object")
    .action(
      action(async (context, given: string, data: string, options: PartOptions) => {
        const { findTrained } = await import("./runPath.ts");
        const run = await findTrained(given, context.paths);
        const { cache } = context.paths;
        const corrections = await correctionsOf(run, context.paths);
        const { metrics } = await context.withWorker((api) =>
          api.evaluate({ run, file: resolve(data), ...partOf(options), ...corrections, cache }, context.signal),
        );
        return { json: { metrics }, text: columns(Object.entries(metrics).map(([name, value]) => [name, short(value)])) };
      }),
    );
}

/** What was corrected in the data of a run; a model.onnx alone has none. */
async function correctionsOf(run: string, paths: Paths): Promise<{ corrections?: string }> {
  const { exists } = await import("../files.ts");
  const { readRun, runFiles } = await import("../runs.ts");
  if (!(await exists(runFiles(run).record))) return {};
  const { correctionsFile } = await import("../corrections.ts");
  const corrections = correctionsFile(run, await readRun(run), paths);
  return (await exists(corrections)) ? { corrections } : {};
}
