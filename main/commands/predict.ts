// paddock predict: rows in, predictions out, in the same order.
import { Command } from "commander";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../ipc/error.ts";
import type { Prediction } from "../../ipc/types.ts";
import { action, type Context } from "./action.ts";
import { type Answer, columns, short } from "./output.ts";
import { type PartOptions, partOf, sheetOption, tableOption } from "./part.ts";

interface Options extends PartOptions {
  explain?: boolean;
  out?: string;
  map?: string;
}

export function predictCommand(): Command {
  return new Command("predict")
    .description("predict rows or pictures with a trained model")
    .argument("<run>", "the folder of a run, or its model.onnx")
    .argument("<data>", "a file of rows, or - for stdin; a folder or a .txt file of texts; a picture, or a folder, zip or tar of pictures")
    .option(...sheetOption)
    .addOption(tableOption())
    .option("--out <file>", "write a .csv, .jsonl or .parquet file")
    .option("--map <file>", "of one picture: draw where the model looked into a .png")
    .option("--explain", "of texts: also the pieces that each was cut into, with what they weigh (the first 200)")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, run: string, data: string, options: Options) => {
        const { out, map, explain } = options;
        const part = partOf(options);
        const { findTrained } = await import("./runPath.ts");
        const model = await findTrained(run, context.paths);
        if (map !== undefined) return whereTo(context, model, resolve(data), resolve(map), out);
        const scratch = await mkdtemp(join(tmpdir(), "paddock-predict-"));
        try {
          const file = data === "-" ? await fromStdin(scratch) : resolve(data);
          if (explain) {
            if (out) throw new AppError("usage", "--explain and --out do not go together.", "Leave one of them out.");
            const { cache } = context.paths;
            const predictions = await context.withWorker((api) => api.explain({ run: model, file, cache }, context.signal));
            return { json: { predictions }, text: predictions.map(describe).join("\n\n") };
          }
          if (out) {
            const { rows, problems } = await predictTo(context, model, { file, ...part }, resolve(out));
            return {
              json: { out: resolve(out), rows, ...(problems ? { problems } : {}) },
              text: [`${rows} predictions written to ${out}`, ...lines(problems)].join("\n"),
            };
          }
          const written = join(scratch, context.json ? "out.jsonl" : "out.csv");
          const { problems } = await predictTo(context, model, { file, ...part }, written);
          if (context.json) return { json: { predictions: await readPredictions(written), ...(problems ? { problems } : {}) }, text: "" };
          context.progress.clear();
          for (const line of lines(problems)) context.progress.note(line);
          await pipeline(createReadStream(written), process.stdout, { end: false });
          return undefined;
        } finally {
          await rm(scratch, { recursive: true, force: true });
        }
      }),
    );
}

/** A prediction and the pieces that weigh most. */
function describe({ row, prediction, tokens = [] }: Prediction): string {
  const heavy = [...tokens].sort((a, b) => Math.abs(b.effect ?? b.weight) - Math.abs(a.effect ?? a.weight)).slice(0, 12);
  const pieces = heavy.map(({ piece, id, weight, effect }) => [`  ${piece}`, id, short(weight), effect === undefined ? "" : short(effect)]);
  return `${row}: ${prediction}\n${columns([["  piece", "place", "weight", "speaks for it"], ...pieces])}`;
}

const lines = (problems: readonly { message: string; hint: string }[] = []) => problems.map(({ message, hint }) => `! ${message} ${hint}`);

/** One picture with its map, drawn into a file and told as numbers. */
async function whereTo(context: Context, run: string, file: string, map: string, out: string | undefined): Promise<Answer> {
  if (out !== undefined) throw new AppError("usage", "--map and --out do not go together.", "Leave one of them out.");
  const prediction = await context.withWorker((api) => api.wherePicture({ run, file, out: map }, context.signal));
  const sure = prediction.probabilities?.[prediction.prediction];
  const text = `${prediction.prediction}${sure === undefined ? "" : ` (probability ${short(sure)})`}; what it looked at is light in ${map}`;
  return { json: { predictions: [prediction], map }, text };
}

function predictTo(context: Context, run: string, data: { file: string; part?: string }, out: string) {
  const { cache } = context.paths;
  return context.withWorker((api) => api.predictFile({ run, ...data, out, cache }, context.signal));
}

/** What comes in on stdin as a file, as the reader of tables wants one. */
async function fromStdin(folder: string): Promise<string> {
  const path = join(folder, "stdin.csv");
  await pipeline(process.stdin, createWriteStream(path));
  return path;
}

async function readPredictions(path: string): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for await (const line of createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity })) {
    if (line === "") continue;
    const { row, file, prediction, probabilities } = JSON.parse(line) as Prediction;
    predictions.push({ row, ...(file === undefined ? {} : { file }), prediction, ...(probabilities ? { probabilities } : {}) });
  }
  return predictions;
}
