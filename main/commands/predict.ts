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
import { columns, short } from "./output.ts";

interface Options {
  explain?: boolean;
  out?: string;
}

export function predictCommand(): Command {
  return new Command("predict")
    .description("predict rows with a trained model")
    .argument("<run>", "the folder of a run, or its model.onnx")
    .argument("<data>", "a file of rows, a folder or a .txt file of texts (a text a line), or - for stdin")
    .option("--out <file>", "write a .csv, .jsonl or .parquet file")
    .option("--explain", "of texts: also the pieces that each was cut into, with what they weigh (the first 200)")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, run: string, data: string, { out, explain }: Options) => {
        const { findTrained } = await import("./runPath.ts");
        const model = await findTrained(run, context.paths);
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
            const { rows } = await predictTo(context, model, file, resolve(out));
            return { json: { out: resolve(out), rows }, text: `${rows} predictions written to ${out}` };
          }
          const written = join(scratch, context.json ? "out.jsonl" : "out.csv");
          await predictTo(context, model, file, written);
          if (context.json) return { json: { predictions: await readPredictions(written) }, text: "" };
          context.progress.clear();
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
  const lines = heavy.map(({ piece, id, weight, effect }) => [`  ${piece}`, id, short(weight), effect === undefined ? "" : short(effect)]);
  return `${row}: ${prediction}\n${columns([["  piece", "place", "weight", "speaks for it"], ...lines])}`;
}

function predictTo(context: Context, run: string, file: string, out: string) {
  const { cache } = context.paths;
  return context.withWorker((api) => api.predictFile({ run, file, out, cache }, context.signal));
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
    const { row, prediction, probabilities } = JSON.parse(line) as Prediction;
    predictions.push({ row, prediction, ...(probabilities ? { probabilities } : {}) });
  }
  return predictions;
}
