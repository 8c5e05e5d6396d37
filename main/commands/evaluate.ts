// paddock evaluate: how good a run is on rows whose answer is known.
import { Command } from "commander";
import { resolve } from "node:path";
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
        const { metrics } = await context.withWorker((api) =>
          api.evaluate({ run, file: resolve(data), ...partOf(options), cache }, context.signal),
        );
        return { json: { metrics }, text: columns(Object.entries(metrics).map(([name, value]) => [name, short(value)])) };
      }),
    );
}
