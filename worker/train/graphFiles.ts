// ONNX file in, ONNX file out: the model with its gradients, and the training step. The step file says in its metadata ("paddock.step") what
// its states are and where they begin, and keeps what is no plain number as training information (ONNX's TrainingInfoProto, whose initialization
// gives each value under its state's name; runtimes leave it alone), so that it can be run alone.
import { AppError } from "../../ipc/error.ts";
import type { GraphResult, GraphSpec, OptimizerName, StateInfo, StepResult, StepSpec, TensorInfo } from "../../ipc/types.ts";
import { openModel } from "../formats/onnx.ts";
import type { Graph, ValueInfo } from "../onnx/graph.ts";
import { encodeModel } from "../onnx/proto.ts";
import { type Tensor, toNumbers } from "../tensor.ts";
import { writeAtomic } from "./files.ts";
import { gradientGraph, requireFloat, requireOutput } from "./gradientGraph.ts";
import { optimizer, optimizerNames, type OptimizerSpec } from "./optimizer.ts";
import { trainingStep } from "./step.ts";

/** Learning rates of PyTorch's optimizers where it has them, of the papers where not. */
const rates: Record<OptimizerName, number> = {
  sgd: 1e-3,
  momentum: 1e-3,
  nesterov: 1e-3,
  rmsprop: 1e-2,
  adagrad: 1e-2,
  adadelta: 1,
  adam: 1e-3,
  adamw: 1e-3,
  adamax: 2e-3,
  nadam: 2e-3,
  radam: 1e-3,
  asgd: 1e-2,
  rprop: 1e-2,
  lamb: 1e-3,
  lion: 1e-4,
  adafactor: 1e-2,
  muon: 1e-3,
  schedulefree: 2.5e-3,
};

/** What the metadata of a step file says. */
export interface StepCard {
  version: 1;
  loss: string;
  optimizer: OptimizerName;
  hyperparameters: StepResult["hyperparameters"];
  parameters: string[];
  /** `initial` names the state whose values the training information has, where it is no number. */
  states: { name: string; initial: number | string }[];
}
export const cardKey = "paddock.step";

export async function writeGradients({ model, loss, wrt, sizes, out }: GraphSpec): Promise<GraphResult> {
  const { graph, file } = openModel(model, { ...(sizes && { sizes }), trained: wrt ?? "all" });
  requireOutput(file, loss);
  const inner = graph.parameters.filter((p) => !file.initializers.has(p)); // weights that inner graphs had
  const names = wrt ?? [...file.parameters, ...inner];
  if (!names.length)
    throw new AppError("modelInvalid", `${model}: The graph has no float initializer.`, "Name inputs with --wrt.", { file: model });
  const made = gradientGraph(graph, { loss, wrt: names, gone: file.initializers });
  await writeAtomic(out, encodeModel(made));
  return described(made, out, loss);
}

export async function writeStep(spec: StepSpec): Promise<StepResult> {
  const { model, loss, wrt, sizes, out, clipNorm, clipValue, accumulate, lossScale, seed } = spec;
  if (!optimizerNames.includes(spec.optimizer))
    throw new AppError("usage", `There is no optimizer '${spec.optimizer}'.`, `Name one of: ${optimizerNames.join(", ")}.`, {
      name: spec.optimizer,
    });
  const { graph, file } = openModel(model, { ...(sizes && { sizes }), outputs: [loss], ...(wrt && { trained: wrt }) });
  requireOutput(file, loss);
  for (const name of wrt ?? []) {
    requireFloat(file, name);
    const why = !file.initializers.has(name)
      ? "is an input; only initializers can be trained"
      : !graph.initializers.has(name)
        ? `does not lead to '${loss}'`
        : graph.isParameter(name)
          ? undefined
          : "only sets how an operator works";
    if (why) throw new AppError("modelInvalid", `'${name}' ${why}.`, "Name weights with --wrt.", { value: name });
  }
  if (wrt) graph.setParameters(wrt);
  if (!graph.parameters.length)
    throw new AppError(
      "modelInvalid",
      `${model}: There is nothing to train: no float initializer leads to an output.`,
      "Export the model with its weights.",
      {
        file: model,
      },
    );
  const chosen = { name: spec.optimizer, ...spec.settings } as OptimizerSpec;
  checkSettings(chosen);
  const step = trainingStep(graph, {
    loss,
    lossName: loss,
    optimizer: chosen,
    ...(clipNorm !== undefined && { clipNorm }),
    ...(clipValue !== undefined && { clipValue }),
    ...(accumulate !== undefined && { accumulate }),
    ...(lossScale !== undefined && { lossScale }),
    ...(seed !== undefined && { seed }),
  });
  const { name: _, ...used } = optimizer(chosen).used;
  const hyperparameters = Object.fromEntries(
    Object.entries({ lr: spec.lr ?? rates[spec.optimizer], ...used, clipNorm, clipValue, accumulate, lossScale, seed }).filter(
      ([, v]) => v !== undefined,
    ),
  ) as StepResult["hyperparameters"];
  const own = new Set(step.states.map((s) => s.name));
  const parameters = graph.parameters.filter((p) => own.has(p));
  const result = described(step.graph, out, loss);
  const outputs = new Set(step.graph.outputs.map((o) => o.name));
  const states: StateInfo[] = [];
  const card: StepCard = { version: 1, loss, optimizer: spec.optimizer, hyperparameters, parameters, states: [] };
  /** Which state first began with a tensor: a parameter, as those come first. */
  const sources = new Map<Tensor, string>();
  for (const { name, dtype, dims, initial } of step.states) {
    const next = outputs.has(`next:${name}`) ? `next:${name}` : null;
    const source = sources.get(initial) ?? name;
    const fill = fillOf(name, initial);
    states.push({ name, dtype, shape: dims, next, initial: fill ?? { initializer: source } });
    card.states.push({ name, initial: fill ?? source });
    if (fill !== undefined || sources.has(initial)) continue;
    sources.set(initial, name);
    step.graph.initial.set(name, initial);
  }
  step.graph.metadata.set(cardKey, JSON.stringify(card));
  await writeAtomic(out, encodeModel(step.graph));
  return { ...result, optimizer: spec.optimizer, hyperparameters, parameters, states };
}

/** Throws `usage` for a setting that the optimizer does not heed, or of another kind than its own. */
function checkSettings(chosen: OptimizerSpec): void {
  const { name, ...used } = optimizer({ name: chosen.name }).used;
  const { name: _, ...given } = chosen;
  for (const [setting, value] of Object.entries(given)) {
    const own = used[setting as keyof typeof used];
    if (own === undefined)
      throw new AppError("usage", `The optimizer '${name}' has no setting '${setting}'.`, `It has: ${Object.keys(used).join(", ")}.`, {
        name: setting,
      });
    if (typeof own !== typeof value || (typeof own === "string" && !choices[setting]?.includes(String(value))))
      throw new AppError(
        "usage",
        `The setting '${setting}' cannot be ${JSON.stringify(value)}.`,
        choices[setting] ? `Name one of: ${choices[setting].join(", ")}.` : `Give a ${typeof own}, such as ${own}.`,
        { name: setting },
      );
  }
}

/** Settings that are words. */
const choices: Record<string, string[]> = { adjustLr: ["original", "match_rms_adamw"], others: ["adamw"] };

/** The number that fills a moment, t or the seed; undefined for parameters and their copies. */
function fillOf(name: string, { dtype, data }: Tensor): number | undefined {
  if (!name.includes(":") && name !== "t" && name !== "seed") return undefined;
  for (let i = 1; i < data.length; i++) if (data[i] !== data[0]) return undefined;
  return data.length && dtype !== "string" ? toNumbers({ dtype, dims: [1], data: data.slice(0, 1) } as Tensor)[0]! : 0;
}

function described(graph: Graph, out: string, loss: string): GraphResult {
  const info = ({ name, dtype, dims }: ValueInfo): TensorInfo => ({ name, dtype, shape: [...dims] });
  return { out, loss, inputs: graph.inputs.map(info), outputs: graph.outputs.map(info), nodes: graph.nodes.length };
}
