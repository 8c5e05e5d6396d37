// paddock predict: rows in, predictions out, in the same order.
import { Command, InvalidArgumentError, Option } from "commander";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { AppError } from "../../ipc/error.ts";
import type { PixelRange, Prediction } from "../../ipc/types.ts";
import { action, type Context } from "./action.ts";
import { type Answer, columns, short } from "./output.ts";
import { type PartOptions, partOf, sheetOption, tableOption } from "./part.ts";

interface Data {
  file: string;
  part?: string;
  foreign?: { pixels?: PixelRange; sizes?: Record<string, number>; labels?: string };
}

const ranges = ["0..1", "-1..1", "0..255", "imagenet"];

interface Options extends PartOptions {
  pixels?: PixelRange;
  size?: Record<string, number>;
  labels?: string;
  explain?: boolean;
  out?: string;
  map?: string;
}

export function predictCommand(): Command {
  return new Command("predict")
    .description("predict rows or pictures with a trained model, or run any ONNX model")
    .argument("<run>", "the folder of a run, its model.onnx, or any ONNX file")
    .argument(
      "<data>",
      "a file of rows, or - for stdin; a folder or a .txt file of texts; a picture, or a folder, zip or tar of pictures; tensors as .json or .npy",
    )
    .option(...sheetOption)
    .addOption(tableOption())
    .option("--out <file>", "write a .csv, .jsonl or .parquet file; of answers that are pictures a .png, or a folder of them")
    .addOption(new Option("--pixels <range>", "imported models: the range of pixels; from the file, else 0..1").choices(ranges))
    .option("--size <name=n>", "imported models: a length that the file leaves open; repeatable", sizes, undefined)
    .option("--labels <file>", "imported models: a file of class names, one a line")
    .option("--map <file>", "of one picture: draw where the model looked into a .png")
    .option("--explain", "of texts: also the pieces that each was cut into, with what they weigh (the first 200)")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, run: string, data: string, options: Options) => {
        const { out, map, explain } = options;
        const part = partOf(options);
        const { findTrained } = await import("./runPath.ts");
        const model = await findTrained(run, context.paths);
        const foreign = foreignOf(options);
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
            const { rows, predictions, problems } = await predictTo(context, model, { file, ...part, ...foreign }, resolve(out));
            return {
              json: { out: resolve(out), rows, ...(problems ? { problems } : {}), ...assumed(predictions) },
              text: [`${rows} predictions written to ${out}`, ...lines(problems), ...told(predictions)].join("\n"),
            };
          }
          const written = join(scratch, context.json ? "out.jsonl" : "out.csv");
          const { predictions, problems } = await predictTo(context, model, { file, ...part, ...foreign }, written);
          if (context.json) return { json: { predictions: await readPredictions(written), ...(problems ? { problems } : {}) }, text: "" };
          context.progress.clear();
          for (const line of [...lines(problems), ...told(predictions)]) context.progress.note(line);
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

/** How pictures were shown, where nobody said it. */
const assumed = (predictions: readonly Prediction[]) => {
  const shown = predictions.find(({ pixels }) => pixels)?.pixels;
  return shown ? { pixels: shown } : {};
};

const told = (predictions: readonly Prediction[]): string[] => {
  const { pixels } = assumed(predictions);
  if (!pixels || pixels.chosen === "asked" || pixels.chosen === "file") return [];
  const why = pixels.chosen === "tried" ? "as its answers are" : "as most networks want them: the file does not say";
  return [`! Pixels were given as ${pixels.range}, ${why}. Say --pixels to change that.`];
};

function foreignOf({ pixels, size, labels }: Options) {
  if (pixels === undefined && size === undefined && labels === undefined) return {};
  return { foreign: { ...(pixels ? { pixels } : {}), ...(size ? { sizes: size } : {}), ...(labels ? { labels: resolve(labels) } : {}) } };
}

/** "seq=16", one after another. */
function sizes(text: string, before: Record<string, number> | undefined): Record<string, number> {
  const found = /^(.+)=(\d{1,9})$/.exec(text);
  if (!found || Number(found[2]) < 1) throw new InvalidArgumentError("Write NAME=NUMBER, such as seq=16.");
  return { ...before, [found[1]!]: Number(found[2]) };
}

function predictTo(context: Context, run: string, data: Data, out: string) {
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
    const { row, file, prediction, probabilities, outputs, pixels } = JSON.parse(line) as Prediction;
    predictions.push({
      row,
      ...(file === undefined ? {} : { file }),
      prediction,
      ...(probabilities ? { probabilities } : {}),
      ...(outputs ? { outputs } : {}),
      ...(pixels ? { pixels } : {}),
    });
  }
  return predictions;
}
