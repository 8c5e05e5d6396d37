// paddock train: the flags, and what they mean. How a run comes about is in trainRun.ts.
import { Command, Option } from "commander";
import { AppError } from "../../ipc/error.ts";
import type { TrainSpec } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { real, whole } from "./values.ts";

export interface TrainOptions {
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
  shuffle: boolean;
  split: boolean;
  seed?: number;
  device?: string;
  precision?: TrainSpec["precision"];
  out?: string;
  resume?: string;
  logLosses?: boolean;
  method?: string;
  rank?: string;
  initAdapter?: string;
  pixels?: string;
}

const schedules = ["constant", "step", "cosine", "warmup", "onecycle", "plateau"];
const laterTasks = ["images", "text", "language", "chat"];

export function trainCommand(): Command {
  return new Command("train")
    .description("train a network on a table; Ctrl-C interrupts and keeps a checkpoint")
    .argument("[data]", "a CSV or TSV file")
    .option("--target <column>", "the column to predict; guessed when absent")
    .option("--task <task>", "auto, regression, classification or recommend")
    .option("--model <family>", "the model family, such as mlp")
    .option("--epochs <n>", "at most so many passes over the data", whole(1))
    .option("--steps <n>", "at most so many steps", whole(1))
    .option("--seconds <s>", "at most so many seconds of training", real({ above: 0 }))
    .option("--batch <n>", "rows a step", whole(1))
    .option("--lr <x>", "the learning rate", real({ above: 0 }))
    .addOption(new Option("--schedule <name>", "how the learning rate moves").choices(schedules))
    .option("--weight-decay <x>", "how strongly weights are pulled to zero", real({ from: 0 }))
    .option("--no-shuffle", "keep the rows in their order")
    .option("--no-split", "hold no rows back for validation and test")
    .option("--seed <n>", "the same seed, the same run", whole(0, 2 ** 32 - 1))
    .option("--device <id>", "cpu, webgpu, … (paddock devices lists them), or auto: the fastest by a trial")
    .addOption(new Option("--precision <p>", "mixed: products in float16, where the device has it").choices(["full", "mixed"]))
    .option("--out <dir>", "the run's folder; in the workspace when absent")
    .option("--resume <dir>", "go on with an interrupted run")
    .option("--log-losses", "give the loss of every step")
    .option("--json", "print one JSON object")
    .addOption(new Option("--method <m>").hideHelp())
    .addOption(new Option("--rank <n>").hideHelp())
    .addOption(new Option("--init-adapter <dir>").hideHelp())
    .addOption(new Option("--pixels <range>").hideHelp())
    .action(
      action(async (context, data: string | undefined, options: TrainOptions) => {
        refuseLater(options);
        const { resumeRun, trainInFolder, trainInProject } = await import("./trainRun.ts");
        if (options.resume !== undefined) {
          if (options.out !== undefined) throw usage("--out and --resume do not go together.", "A resumed run stays in its folder.");
          return resumeRun(context, options.resume, data, specOf(options));
        }
        if (data === undefined) throw usage("The data file is missing.", "paddock train FILE, or paddock train --resume DIR.");
        const spec = specOf(options);
        return options.out !== undefined ? trainInFolder(context, data, spec, options.out) : trainInProject(context, data, spec);
      }),
    );
}

const usage = (message: string, hint: string) => new AppError("usage", message, hint);

/** Flags and tasks that belong to kinds of data which are not there yet. */
function refuseLater(options: TrainOptions): void {
  const later = (["method", "rank", "initAdapter", "pixels"] as const).find((name) => options[name] !== undefined);
  if (later) {
    const flag = `--${later.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usage(`${flag} is not there yet: it belongs to fine-tuning models and to pictures.`, "Leave it out to train on a table.");
  }
  const { task } = options;
  if (task !== undefined && laterTasks.includes(task))
    throw usage(`The task ${task} is not there yet.`, "There are: regression, classification, recommend.");
  if (task !== undefined && !["auto", "regression", "classification", "recommend"].includes(task))
    throw usage(`There is no task '${task}'.`, "There are: auto, regression, classification, recommend.");
  if (options.model !== undefined && /[./\\]/.test(options.model))
    throw usage("Training from a model file is not there yet.", "Name a model family, such as mlp.");
}

/** Only what was said: the rest takes the worker's defaults. */
function specOf(options: TrainOptions): Omit<TrainSpec, "data"> {
  const { target, task, model, epochs, steps, seconds, batch, lr, schedule, weightDecay, seed, device, precision, logLosses } = options;
  const said = {
    target,
    task: task as TrainSpec["task"],
    model,
    epochs,
    steps,
    seconds,
    batch,
    lr,
    schedule,
    weightDecay,
    seed,
    device,
    precision,
    logLosses,
  };
  const spec: Omit<TrainSpec, "data"> = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  if (!options.shuffle) spec.shuffle = false;
  if (!options.split) spec.split = false;
  return spec;
}
