// paddock train: the flags, and what they mean. How a run comes about is in trainRun.ts.
import { Command, Option } from "commander";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { PixelRange, TrainSpec } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { asOption, type PartOptions, partOf, sheetOption, tableOption } from "./part.ts";
import { real, whole } from "./values.ts";

export interface TrainOptions extends PartOptions {
  target?: string;
  task?: string;
  model?: string;
  epochs?: number;
  steps?: number;
  seconds?: number;
  batch?: number;
  lr?: number;
  schedule?: TrainSpec["schedule"];
  weightDecay?: number;
  classWeight?: TrainSpec["classWeight"];
  shuffle: boolean;
  split?: NonNullable<TrainSpec["splitBy"]>["by"] | boolean;
  splitColumn?: string;
  seed?: number;
  device?: string;
  precision?: TrainSpec["precision"];
  out?: string;
  from?: string;
  corrections?: string;
  resume?: string;
  logLosses?: boolean;
  method?: TrainSpec["method"];
  rank?: number;
  alpha?: number;
  context?: number;
  accumulate?: number;
  prompt?: string[];
  initAdapter?: string;
  backbone?: string;
  pixels?: PixelRange;
}

const schedules = ["constant", "step", "cosine", "warmup", "onecycle", "plateau"];
const ranges = ["0..1", "-1..1", "0..255", "imagenet"];
const allTasks = ["auto", "regression", "classification", "text", "images", "recommend", "language", "chat"];

export function trainCommand(): Command {
  return new Command("train")
    .description("train a network on a table, on texts, pictures or ratings; Ctrl-C interrupts and keeps a checkpoint")
    .argument(
      "[data]",
      "a table: CSV, Excel, Parquet, JSON, Arrow, SQLite, DuckDB; a folder, zip or tar of pictures with their classes; a folder of texts, a folder a class; any text or conversations, to learn to write",
    )
    .option(...sheetOption)
    .addOption(tableOption())
    .addOption(asOption())
    .option("--target <column>", "the column to predict; guessed when absent")
    .option("--task <task>", "auto, regression, classification, text, images, recommend or language")
    .option("--model <family>", "the model family (mlp, resnet; of texts ngrams or transformer), or an ONNX file to build on")
    .option("--backbone <file>", "pictures: an ONNX network whose features are learned from (as --model FILE)")
    .addOption(
      new Option(
        "--method <m>",
        "what of an imported network learns: a head on it (default), its last blocks, or all of it; of a language model adapters (lora, qlora), its output layer or all",
      ).choices(["head", "last", "full", "lora", "qlora"]),
    )
    .addOption(new Option("--pixels <range>", "what the backbone expects; taken from its file or tried out when absent").choices(ranges))
    .option("--epochs <n>", "at most so many passes over the data", whole(1))
    .option("--steps <n>", "at most so many steps", whole(1))
    .option("--seconds <s>", "at most so many seconds of training", real({ above: 0 }))
    .option("--batch <n>", "rows a step", whole(1))
    .option("--lr <x>", "the learning rate", real({ above: 0 }))
    .addOption(new Option("--schedule <name>", "how the learning rate moves").choices(schedules))
    .option("--weight-decay <x>", "how strongly weights are pulled to zero", real({ from: 0 }))
    .addOption(
      new Option("--class-weight <w>", "tables: balanced, where every class is to count the same however few its rows").choices([
        "none",
        "balanced",
      ]),
    )
    .option("--no-shuffle", "keep the rows in their order")
    .addOption(
      new Option("--split <how>", "what parts rows into train, validation and test").choices(["random", "stratified", "group", "time"]),
    )
    .option("--split-column <column>", "the column of groups, or of times, to split by")
    .option("--no-split", "hold no rows back for validation and test")
    .option("--seed <n>", "the same seed, the same run", whole(0, 2 ** 32 - 1))
    .option("--device <id>", "cpu, webgpu, … (paddock devices lists them), or auto: the fastest by a trial")
    .addOption(new Option("--precision <p>", "mixed: products in float16, where the device has it").choices(["full", "mixed"]))
    .option("--out <dir>", "the run's folder; in the workspace when absent")
    .option("--resume <dir>", "go on with an interrupted run")
    .option(
      "--from <run>",
      "begin from the weights of a run that is done, with its columns, classes and split, and what was corrected since",
    )
    .option("--corrections <file>", "lay the corrections of a corrections.jsonl over the data")
    .option("--log-losses", "give the loss of every step")
    .option("--json", "print one JSON object")
    .option("--rank <n>", "adapters of a language model: their rank (default 8)", whole(1, 4096))
    .option("--alpha <x>", "adapters: what they add is multiplied by alpha / rank (default twice the rank)", real({ above: 0 }))
    .option(
      "--context <n>",
      "a language model: tokens of a row, at most (default 512); the end of longer ones is left out",
      whole(8, 1 << 20),
    )
    .option("--accumulate <n>", "fine-tuning: take a batch in so many parts and add up their gradients, for less memory", whole(1, 1 << 16))
    .option(
      "--prompt <text>",
      "fine-tuning: what is answered before and after, kept in the run; up to five times",
      (text: string, all: string[] = []) => [...all, text],
    )
    .option("--init-adapter <dir>", "adapters: the folder of a PEFT adapter to begin with")
    .action(
      action(async (context, data: string | undefined, options: TrainOptions) => {
        refuseOdd(options);
        const { resumeRun, trainFrom, trainInFolder, trainInProject } = await import("./trainRun.ts");
        if (options.resume !== undefined) {
          if (options.from !== undefined)
            throw usage("--from and --resume do not go together.", "A resumed run goes on from its own weights.");
          if (options.out !== undefined) throw usage("--out and --resume do not go together.", "A resumed run stays in its folder.");
          return resumeRun(context, options.resume, data, specOf(options));
        }
        if (options.from !== undefined) return trainFrom(context, options.from, data, specOf(options), options.out);
        if (data === undefined) throw usage("The data file is missing.", "paddock train FILE, or paddock train --resume DIR.");
        const spec = specOf(options);
        return options.out !== undefined ? trainInFolder(context, data, spec, options.out) : trainInProject(context, data, spec);
      }, "a checkpoint is kept"),
    );
}

const usage = (message: string, hint: string) => new AppError("usage", message, hint);

const tuningFlags = {
  rank: "--rank",
  alpha: "--alpha",
  accumulate: "--accumulate",
  prompt: "--prompt",
  initAdapter: "--init-adapter",
} as const;

/** Flags that do not go together, and names that there are not. */
function refuseOdd(options: TrainOptions): void {
  const tuning = Object.entries(tuningFlags).find(([name]) => options[name as keyof TrainOptions] !== undefined)?.[1];
  if (tuning && options.model === undefined && options.resume === undefined)
    throw usage(`${tuning} belongs to fine-tuning a language model.`, "Name one with --model: a GGUF file or a Hugging Face folder.");
  if ((options.prompt?.length ?? 0) > 5) throw usage("More than five prompts were given.", "Give --prompt five times at most.");
  const { task } = options;
  const { method } = options;
  if ((method === "lora" || method === "qlora") && options.model === undefined)
    throw usage(
      `The method ${method} fine-tunes a language model, and none is named.`,
      "Name one with --model: a GGUF file or a Hugging Face folder.",
    );
  if (task === "chat" && options.model === undefined)
    throw usage(
      "The task chat fine-tunes a language model, and none is named.",
      "Name one with --model, or learn to write from scratch: --task language.",
    );
  if (task !== undefined && !allTasks.includes(task))
    throw usage(`There is no task '${task}'.`, "There are: auto, regression, classification, text, images, recommend, language, chat.");
  if (
    options.model !== undefined &&
    /[./\\]/.test(options.model) &&
    !/\.(onnx|gguf)$/i.test(options.model) &&
    !isHuggingface(options.model)
  )
    throw usage(
      `'${options.model}' is no model that can be trained.`,
      "Name a model family, such as mlp, an ONNX file for pictures, or a GGUF file or Hugging Face folder of a language model.",
    );
  if (options.model !== undefined && options.backbone !== undefined)
    throw usage("--model and --backbone do not go together.", "Leave one of them out.");
}

const isHuggingface = (path: string): boolean => existsSync(join(path, "config.json"));

/** A file is named by its whole path, so that the run finds it again from wherever it is resumed. */
const modelOf = (model: string | undefined) => (model !== undefined && /[./\\]/.test(model) ? resolve(model) : model);

/** Only what was said: the rest takes the worker's defaults. */
function specOf(options: TrainOptions): Omit<TrainSpec, "data"> {
  const model = options.backbone === undefined ? modelOf(options.model) : resolve(options.backbone);
  const {
    target,
    task,
    pixels,
    method,
    rank,
    alpha,
    context,
    accumulate,
    prompt,
    initAdapter,
    epochs,
    steps,
    seconds,
    batch,
    lr,
    schedule,
    weightDecay,
    classWeight,
    seed,
    device,
    precision,
    logLosses,
  } = options;
  const said = {
    ...partOf(options),
    target,
    // Fine-tuning is learning to write, too: who does it follows from the model.
    task: (task === "chat" ? "language" : task) as TrainSpec["task"],
    model,
    pixels,
    method,
    rank,
    alpha,
    accumulate,
    prompts: prompt,
    config: context === undefined ? undefined : { context },
    initAdapter: initAdapter === undefined ? undefined : resolve(initAdapter),
    epochs,
    steps,
    seconds,
    batch,
    lr,
    schedule,
    weightDecay,
    classWeight,
    seed,
    device,
    precision,
    logLosses,
    corrections: options.corrections === undefined ? undefined : resolve(options.corrections),
  };
  const spec: Omit<TrainSpec, "data"> = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  if (!options.shuffle) spec.shuffle = false;
  const splitBy = splitByOf(options);
  if (splitBy) spec.splitBy = splitBy;
  else if (options.split === false) spec.split = false;
  return spec;
}

/** Throws usage where the way and its column do not go together. */
function splitByOf({ split: by, splitColumn: column }: TrainOptions): TrainSpec["splitBy"] {
  const named = by === "group" || by === "time";
  if (named && column === undefined) throw usage(`--split ${by} needs its column.`, "Name it with --split-column.");
  if (!named && column !== undefined) throw usage("--split-column goes with --split group or --split time.", "Say which, or leave it out.");
  if (by === undefined || typeof by === "boolean") return undefined;
  return named ? { by, column: column! } : { by };
}
