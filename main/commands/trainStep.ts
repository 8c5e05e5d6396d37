// paddock train-step: the training step of an ONNX model as an ONNX model.
import { Command, Option } from "commander";
import { resolve } from "node:path";
import type { OptimizerName, StepSpec } from "../../ipc/types.ts";
import { action } from "./action.ts";
import { names, shown, size, sizeHelp } from "./graphOptions.ts";
import { columns, short } from "./output.ts";
import { real, whole } from "./values.ts";

const optimizers: OptimizerName[] = [
  "sgd",
  "momentum",
  "nesterov",
  "rmsprop",
  "adagrad",
  "adam",
  "adamw",
  "nadam",
  "radam",
  "lamb",
  "lion",
  "adafactor",
  "muon",
  "schedulefree",
];
/** As in PyTorch, the weight decay of these adds to the gradient; that of the others shrinks the parameters. */
const coupled: OptimizerName[] = ["sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "nadam", "radam"];

interface Options extends Pick<
  StepSpec,
  "loss" | "wrt" | "lr" | "clipNorm" | "clipValue" | "accumulate" | "lossScale" | "seed" | "precision"
> {
  optimizer: OptimizerName;
  weightDecay?: number;
  momentum?: number;
  beta1?: number;
  beta2?: number;
  eps?: number;
  centered?: boolean;
  recompute?: number | true;
  dim?: Record<string, number>;
  out: string;
}

export function trainStepCommand(): Command {
  const share = real({ from: 0 });
  return new Command("train-step")
    .description("make the training step of an ONNX model")
    .argument("<model>", "an ONNX file")
    .requiredOption("--loss <output>", "the output that is the loss: one float")
    .addOption(new Option("--optimizer <name>", "how parameters move").choices(optimizers).makeOptionMandatory())
    .option("--lr <x>", "learning rate, noted in the file (it is an input of the step)", real({ above: 0 }))
    .option("--weight-decay <x>", "as PyTorch's weight_decay for this optimizer", share)
    .option("--momentum <x>", "of sgd, momentum, nesterov, rmsprop and muon", share)
    .option("--beta1 <x>", "share of the mean that is kept", share)
    .option("--beta2 <x>", "share of the mean square that is kept (rmsprop: alpha)", share)
    .option("--eps <x>", "added to what is divided by", share)
    .option("--centered", "rmsprop: the mean square is taken about the mean")
    .option("--clip-norm <x>", "longest gradient, all together", real({ above: 0 }))
    .option("--clip-value <x>", "largest number in a gradient", real({ above: 0 }))
    .option("--accumulate <n>", "steps that add up before parameters move", whole(1))
    .option("--loss-scale <x>", "the loss is multiplied by this for the walk", real({ above: 0 }))
    .option("--wrt <names>", "initializers to train, between commas; default: all that lead to an output", names)
    .option("--dim <name=size>", sizeHelp, size)
    .option("--seed <n>", "of dropout", whole(0))
    .addOption(new Option("--precision <p>", "mixed: products in float16, parameters in float32").choices(["full", "mixed"]))
    .option("--recompute [n]", "forget activations and compute them again: in n parts, or as many as need the least memory", whole(2))
    .requiredOption("--out <file>", "the ONNX file to write")
    .option("--json", "print one JSON object")
    .action(
      action(async (context, model: string, options: Options) => {
        const made = await context.withWorker((api) => api.trainStep(specOf(model, options), context.signal));
        const settings = Object.entries(made.hyperparameters).map(
          ([name, value]) => `${name} ${typeof value === "number" ? short(value) : value}`,
        );
        const text = `${made.optimizer} (${settings.join(", ")}): ${made.parameters.length} parameters, ${made.nodes} nodes → ${options.out}`;
        return {
          json: made,
          text: `${text}\n\ninputs\n${columns(made.inputs.map(shown))}\n\noutputs\n${columns(made.outputs.map(shown))}`,
        };
      }),
    );
}

function specOf(model: string, options: Options): StepSpec {
  const { loss, wrt, lr, clipNorm, clipValue, accumulate, lossScale, seed, momentum, beta1, beta2, eps, centered, dim, out } = options;
  // PyTorch's SGD takes its momentum as a setting.
  const optimizer = options.optimizer === "sgd" && momentum ? "momentum" : options.optimizer;
  const decay = coupled.includes(optimizer) ? "l2" : "weightDecay";
  const given = { [decay]: options.weightDecay, momentum, beta1, beta2, eps, centered };
  const settings: StepSpec["settings"] = {};
  for (const [name, value] of Object.entries(given)) if (value !== undefined) settings[name] = value;
  return {
    model: resolve(model),
    loss,
    optimizer,
    settings,
    out: resolve(out),
    wrt,
    lr,
    clipNorm,
    clipValue,
    accumulate,
    lossScale,
    seed,
    recompute: options.recompute === true ? "auto" : options.recompute,
    precision: options.precision,
    sizes: dim,
  };
}
