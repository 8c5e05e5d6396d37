// A training step as a graph: forward, loss, gradients, optimizer. Everything that changes goes in as an input and comes out as
// `next:<name>`, in a fixed order, so that a step is one run and the state can stay on the device.
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { repeatableDropout } from "../passes/dropout.ts";
import { fullNormalisations } from "../passes/normalisations.ts";
import type { StepGraph, StepState } from "../run/engine.ts";
import { float32, int64, zeros } from "../tensor.ts";
import { gradients } from "./gradient.ts";
import { clipByGlobalNorm, optimizer, type OptimizerSpec } from "./optimizer.ts";

export type { StepGraph, StepState } from "../run/engine.ts";
export type { OptimizerSpec } from "./optimizer.ts";

export interface StepOptions {
  /** Name of the forward graph's scalar output. */
  loss: string;
  optimizer: OptimizerSpec;
  /** Gradients are scaled down so that their norm, all together, is at most this. */
  clipNorm?: number;
  /** Which parameters decay (weightDecay, l2); default all. */
  decay?: (parameter: string) => boolean;
  /** Other outputs of the forward graph to keep. */
  keep?: string[];
  /** Parameters that stay as they are. */
  skip?: string[];
  /** Seed of dropout; default 0. */
  seed?: number;
}

/**
 * The training step of a forward graph with a scalar float32 output `loss`; the forward graph is left as it is.
 * @throws modelInvalid when the loss is not an output or a name is taken; gradientMissing, shapeMismatch, operatorUnknown by operator
 */
export function trainingStep(forward: Graph, options: StepOptions): StepGraph {
  const { loss, keep = [], skip = [], decay = () => true, clipNorm, seed = 0 } = options;
  const { memory, update } = optimizer(options.optimizer);
  for (const name of [loss, ...keep])
    if (!forward.outputs.some((o) => o.name === name))
      throw new AppError(
        "modelInvalid",
        `The graph has no output '${name}'.`,
        `Name one of its outputs: ${forward.outputs.map((o) => o.name).join(", ")}.`,
        {
          value: name,
        },
      );

  const graph = fullNormalisations(repeatableDropout(forward, { t: "t", seed: "seed" }));
  const g = new Builder(graph);
  const random = graph.inputs.some((i) => i.name === "seed");
  const inputs = forward.inputs.map((i) => g.value(i.name));
  const trained = forward.parameters.filter((p) => graph.initializers.has(p) && !skip.includes(p));
  const states: StepState[] = trained.map((name) => state(name, graph));
  for (const p of trained) graph.initializerToInput(p);
  const lr = g.input("lr", "float32", []);
  const t = random ? g.value("t") : g.input("t", "float32", []);

  let slopes = gradients(g, g.value(loss), trained);
  if (clipNorm !== undefined) slopes = clipByGlobalNorm(g, slopes, clipNorm);
  const next = new Map<string, Value>();
  const moments: StepState[] = [];
  for (const name of trained) {
    const p = g.value(name);
    const dims = p.dims as number[];
    for (const part of memory) {
      moments.push({ name: `${name}:${part}`, dims, dtype: p.dtype, initial: zeros(p.dtype, dims) });
      g.input(`${name}:${part}`, p.dtype, dims);
    }
    const at = {
      p,
      lr,
      t,
      memory: (m: string) => g.value(`${name}:${m}`),
      keep: (m: string, v: Value) => void next.set(`${name}:${m}`, v),
    };
    next.set(name, update(g, slopes.get(name)!, at, decay(name)));
  }
  next.set("t", g.add(t, 1));
  states.push(...moments, { name: "t", dims: [], dtype: "float32", initial: float32([], [1]) });
  if (random) states.push({ name: "seed", dims: [], dtype: "int64", initial: int64([], [seed]) });

  const lossValue = g.value(loss);
  graph.setOutputs([]);
  g.output(lossValue, "loss");
  for (const name of keep) g.output(g.value(name), name);
  for (const s of states) if (next.has(s.name)) g.output(next.get(s.name)!, `next:${s.name}`);
  graph.prune();
  return { graph, inputs, states, outputs: ["loss", ...keep] };
}

function state(name: string, graph: Graph): StepState {
  const initial = graph.initializers.get(name)!;
  return { name, dims: [...initial.dims], dtype: initial.dtype, initial };
}
