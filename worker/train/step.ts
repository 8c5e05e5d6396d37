// A training step as a graph: forward, loss, gradients, optimizer. Everything that changes goes in as an input and comes out as
// `next:<name>`, in a fixed order, so that a step is one run and the state can stay on the device.
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { repeatableDropout } from "../passes/dropout.ts";
import { fullOutputs } from "../passes/outputs.ts";
import type { StepGraph, StepState } from "../run/engine.ts";
import { float32, int64, sizeOf, zeros } from "../tensor.ts";
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

  const graph = fullOutputs(repeatableDropout(forward, { t: "t", seed: "seed" }));
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
  for (const name of trained)
    for (const part of memory) {
      const { dims, dtype } = graph.info(name)!;
      moments.push({ name: `${name}:${part}`, dims: dims as number[], dtype, initial: zeros(dtype, dims as number[]) });
      g.input(`${name}:${part}`, dtype, dims);
    }
  for (const group of groups(g, trained, decay)) {
    const together = (names: string[]) =>
      g.concat(
        names.map((name) => g.value(name)),
        { axis: 0 },
      );
    const apart = (values: Value, names: string[]) => {
      const parts =
        names.length === 1
          ? [values]
          : g.split(
              values,
              names.map((name) => g.value(name).dims[0] as number),
              { axis: 0 },
            );
      names.forEach((name, i) => next.set(name, parts[i]!));
    };
    const at = {
      p: together(group),
      lr,
      t,
      memory: (m: string) => together(group.map((name) => `${name}:${m}`)),
      keep: (m: string, v: Value) =>
        apart(
          v,
          group.map((name) => `${name}:${m}`),
        ),
    };
    apart(
      update(
        g,
        g.concat(
          group.map((name) => slopes.get(name)!),
          { axis: 0 },
        ),
        at,
        decay(group[0]!),
      ),
      group,
    );
  }
  next.set("t", g.add(t, 1));
  states.push(...moments, { name: "t", dims: [], dtype: "float32", initial: float32([], [1]) });
  if (random) states.push({ name: "seed", dims: [], dtype: "int64", initial: int64([], [seed]) });

  const wanted = new Map([["loss", g.value(loss)], ...keep.map((name) => [name, g.value(name)] as const)]);
  for (const s of states) if (next.has(s.name)) wanted.set(`next:${s.name}`, next.get(s.name)!);
  graph.setOutputs([]);
  nameOutputs(g, wanted);
  graph.prune();
  return { graph, inputs, states, outputs: ["loss", ...keep] };
}

function state(name: string, graph: Graph): StepState {
  const initial = graph.initializers.get(name)!;
  return { name, dims: [...initial.dims], dtype: initial.dtype, initial };
}

/** Parameters smaller than this are updated together: each node costs a microsecond or two, whatever its size. */
const small = 4096;

/** Names of parameters to update as one: the small ones of one width and one kind of decay, put one under the other. */
function groups(g: Builder, names: readonly string[], decay: (name: string) => boolean): string[][] {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const { dims } = g.value(name);
    const together = dims.length > 0 && sizeOf(dims as number[]) < small;
    const key = together ? `${dims.slice(1).join()} ${decay(name)}` : name;
    found.set(key, [...(found.get(key) ?? []), name]);
  }
  return [...found.values()];
}

/** Lists the values as outputs under these names: by renaming where a node made them for this alone, else by a copy. */
function nameOutputs(g: Builder, wanted: ReadonlyMap<string, Value>): void {
  const names = new Map<string, string>();
  for (const [name, value] of wanted) {
    if (name === value.name) continue;
    const free = g.graph.producer(value.name) && !names.has(value.name) && !wanted.has(value.name);
    if (free && !g.graph.defines(name)) names.set(value.name, name);
    else g.op("Identity", [value], {}, { names: [name] });
  }
  g.graph.rename(names);
  g.graph.setOutputs([...wanted.keys()]);
}
