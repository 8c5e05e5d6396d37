// paddock train-step: the training step of an ONNX model as an ONNX model.
import { Command, InvalidArgumentError, Option } from "commander";
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
  "adadelta",
  "adam",
  "adamw",
  "adamax",
  "nadam",
  "radam",
  "asgd",
  "rprop",
  "lamb",
  "lion",
  "adafactor",
  "muon",
  "schedulefree",
];
/** As in PyTorch, the weight decay of these adds to the gradient; that of the others shrinks the parameters. */
const coupled = new Set<OptimizerName>(
  "sgd momentum nesterov rmsprop adagrad adadelta adam adamax nadam radam asgd rprop".split(" ") as OptimizerName[],
);

type Settings = NonNullable<StepSpec["settings"]>;

interface Options extends Pick<StepSpec, "loss" | "wrt" | "lr" | "clipNorm" | "clipValue" | "accumulate" | "lossScale" | "seed"> {
  optimizer: OptimizerName;
  weightDecay?: number;
  decoupled?: boolean;
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  beta1?: number;
  beta2?: number;
  eps?: number;
  amsgrad?: boolean;
  centered?: boolean;
  set?: Settings;
  dim?: Record<string, number>;
  out: string;
}

/** name=value, collected. */
function setting(text: string, before: Settings = {}): Settings {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It wants a name and a value, such as momentumDecay=0.004.");
  const value = text.slice(at + 1);
  const known: Record<string, boolean> = { true: true, false: false };
  const number = value.trim() === "" ? Number.NaN : Number(value);
  return { ...before, [text.slice(0, at)]: known[value] ?? (Number.isNaN(number) ? value : number) };
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
    .option("--decoupled", "weight decay shrinks the parameters, apart from the gradient (adam, nadam, radam)")
    .option("--momentum <x>", "of sgd, momentum, nesterov, rmsprop and muon", share)
    .option("--dampening <x>", "of momentum: what is taken off the gradient's share", share)
    .option("--nesterov", "momentum looks ahead (sgd)")
    .option("--beta1 <x>", "share of the mean that is kept", share)
    .option("--beta2 <x>", "share of the mean square that is kept (rmsprop: alpha, adadelta: rho)", share)
    .option("--eps <x>", "added to what is divided by", share)
    .option("--amsgrad", "adam, adamw: the largest mean square so far counts")
    .option("--centered", "rmsprop: the mean square is taken about the mean")
    .option("--set <name=value>", "any other setting, by the name that --json shows; may be given again", setting)
    .option("--clip-norm <x>", "longest gradient, all together", real({ above: 0 }))
    .option("--clip-value <x>", "largest number in a gradient", real({ above: 0 }))
    .option("--accumulate <n>", "steps that add up before parameters move", whole(1))
    .option("--loss-scale <x>", "the loss is multiplied by this for the walk", real({ above: 0 }))
    .option("--wrt <names>", "initializers to train, between commas; default: all that lead to an output", names)
    .option("--dim <name=size>", sizeHelp, size)
    .option("--seed <n>", "of dropout", whole(0))
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

/** What the flags ask for. PyTorch's SGD takes its momentum as a setting. */
export function specOf(model: string, options: Options): StepSpec {
  const { loss, wrt, lr, clipNorm, clipValue, accumulate, lossScale, seed, dim, out, decoupled, weightDecay, nesterov } = options;
  const { momentum, dampening, beta1, beta2, eps, amsgrad, centered } = options;
  const ahead = nesterov && options.optimizer === "sgd" && !dampening;
  const optimizer = options.optimizer !== "sgd" ? options.optimizer : ahead ? "nesterov" : momentum ? "momentum" : "sgd";
  const decay = coupled.has(optimizer) && !decoupled ? "l2" : "weightDecay";
  const still = optimizer === "sgd"; // without momentum: --momentum 0 says nothing
  const given = {
    [decay]: weightDecay,
    momentum: still ? undefined : momentum,
    dampening,
    nesterov: ahead ? undefined : nesterov,
    beta1,
    beta2,
    eps,
    amsgrad,
    centered,
    ...options.set,
  };
  const settings: Settings = {};
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
    sizes: dim,
  };
}
