// A training step as a graph: forward, loss, gradients, optimizer. Everything that changes goes in as an input and comes out as
// `next:<name>`, in a fixed order, so that a step is one run and the state can stay on the device.
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { trainedBatchNorm, withRunning } from "../passes/batchNorm.ts";
import { repeatableDropout } from "../passes/dropout.ts";
import { lower } from "../passes/lower.ts";
import { fullOutputs } from "../passes/outputs.ts";
import { runPasses } from "../passes/pass.ts";
import { mixedPrecision } from "../passes/precision.ts";
import { recompute, type Segmenting, segmentsOf } from "../passes/recompute.ts";
import type { StepGraph, StepState, TrainingPlan } from "../run/engine.ts";
import { float32, fromNumbers, int64, sizeOf, zeros } from "../tensor.ts";
import { gradients } from "./gradient.ts";
import { gather } from "./accumulate.ts";
import { clipByGlobalNorm, clipByValue } from "./clip.ts";
import { type LossScale, lossScaleNames, scaled } from "./lossScale.ts";
import { withRoom } from "./names.ts";
import { optimizer, type OptimizerSpec } from "./optimizer.ts";
import { partNames } from "./parts.ts";
import { linearised } from "./update.ts";

export type { StepGraph, StepState } from "../run/engine.ts";
export type { OptimizerSpec } from "./optimizer.ts";

export interface StepOptions {
  /** Name of the forward graph's scalar output. */
  loss: string;
  optimizer: OptimizerSpec;
  /** Gradients are scaled down so that their norm, all together, is at most this. */
  clipNorm?: number;
  /** Every number of every gradient is kept between -clipValue and clipValue (before clipNorm). */
  clipValue?: number;
  /** So many steps add up their gradients before the parameters move by their mean; default 1. `t` counts them all. */
  accumulate?: number;
  /** Steps are taken in parts: the batch comes with the inputs of `partNames` (train/parts.ts), and `t` counts once for all parts. */
  inParts?: boolean;
  /** The loss is multiplied by this for the walk and the gradients are divided again; a step whose gradients are not finite changes nothing. */
  lossScale?: LossScale;
  /** "mixed": products in float16 (passes/precision.ts), with a dynamic loss scale where none is given; default "full". */
  precision?: "full" | "mixed";
  /** Name of the loss among the outputs; default "loss". */
  lossName?: string;
  /** Which parameters decay (weightDecay, l2); default all. */
  decay?: (parameter: string) => boolean;
  /** Other outputs of the forward graph to keep. */
  keep?: string[];
  /** Parameters that stay as they are. */
  skip?: string[];
  /** Seed of dropout; default 0. */
  seed?: number;
  /** Into how many parts the forward graph is cut, of which all but the last are computed again on the way back; default: none are. */
  recompute?: Segmenting;
  /** Where it is to run: of equal forms those are taken that are fast there (worker/passes/lower.ts); default "cpu". It runs anywhere. */
  device?: string;
}

/** A training for any engine: the same options as a step's, which is made only where the engine runs one. */
export function trainingPlan(forward: Graph, options: StepOptions): TrainingPlan {
  const {
    loss,
    lossName = "loss",
    keep = [],
    skip = [],
    decay = () => true,
    clipNorm,
    clipValue,
    accumulate = 1,
    lossScale,
    inParts = false,
  } = options;
  const trained = forward.parameters.filter((p) => !skip.includes(p));
  return {
    forward,
    loss: { from: loss, name: lossName },
    keep,
    trained,
    optimizer: optimizer(options.optimizer).settings,
    asked: Object.entries(options.optimizer).flatMap(([name, value]) => (value === undefined ? [] : [name])),
    decays: decay,
    clipNorm,
    clipValue,
    accumulate,
    inParts,
    lossScale: lossScale === "dynamic" ? undefined : lossScale,
    seed: options.seed ?? 0,
    step: () => trainingStep(forward, options),
    update: (device) => {
      const { keep: _, skip: __, recompute: ___, precision: ____, inParts: _____, ...rest } = options;
      return trainingStep(linearised(forward, trained), { ...rest, loss: "loss", lossName: "loss", device });
    },
  };
}

/**
 * The training step of a forward graph with a scalar float32 output `loss`; the forward graph is left as it is.
 * @throws modelInvalid when the loss is not an output or a name is taken; gradientMissing, shapeMismatch, operatorUnknown by operator
 */
export function trainingStep(forward: Graph, options: StepOptions): StepGraph {
  const {
    loss,
    keep = [],
    skip = [],
    decay = () => true,
    clipNorm,
    clipValue,
    accumulate = 1,
    inParts = false,
    precision = "full",
    lossScale = precision === "mixed" ? "dynamic" : undefined,
    seed = 0,
    device = "cpu",
  } = options;
  const { memory, update, whole } = optimizer(options.optimizer);
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

  const trainable = forward.parameters.filter((p) => !skip.includes(p));
  const room = withRoom(forward, [
    ...namesOf(forward, trainable, memory),
    ...(lossScale === "dynamic" ? lossScaleNames : []),
    ...(inParts ? Object.values(partNames) : []),
  ]);
  const statistics = withRunning(repeatableDropout(room, { t: "t", seed: "seed", part: inParts ? partOf(forward) : undefined }));
  const plain = fullOutputs(trainedBatchNorm(statistics.graph, { unbiased: true }));
  const graph = precision === "mixed" ? mixedPrecision(plain) : plain;
  const g = new Builder(graph);
  const random = graph.inputs.length > forward.inputs.length; // by t and seed
  const inputs = forward.inputs.map((i) => g.value(i.name));
  const trained = forward.parameters.filter((p) => graph.initializers.has(p) && !skip.includes(p));
  for (const p of trained) requireTrainable(graph, p);
  const states: StepState[] = trained.map((name) => state(name, graph));
  graph.initializersToInputs(trained);
  if (random && inParts) inputs.push(g.value(partNames.from), g.value(partNames.of));
  const lr = g.input("lr", "float32", []);
  const t = random ? g.value("t") : g.input("t", "float32", []);
  const next = new Map<string, Value>();
  // Running means and variances of batch normalisations are states that nothing is learned about.
  const running = statistics.running
    .filter(({ name }) => !states.some((s) => s.name === name))
    .map(({ name, value }) => {
      const begin = state(name, graph);
      graph.initializersToInputs([name]);
      next.set(name, g.value(value));
      return begin;
    });

  const batch = graph.inputs.map((i) => i.name).filter((name) => name !== "lr" && !trained.includes(name));
  const scale = lossScale === undefined ? undefined : scaled(g, g.value(loss), lossScale);
  const segments = options.recompute && segmentsOf(graph, { batch, trained, segments: options.recompute });
  let slopes = gradients(g, scale?.loss ?? g.value(loss), segments ? [...trained, ...segments.bounds] : trained);
  if (segments) {
    recompute(g, segments, { batch, gradients: slopes });
    for (const name of segments.bounds) slopes.delete(name);
  }
  const moments: StepState[] = [];
  if (scale) {
    slopes = scale.undo(slopes);
    moments.push(...scale.states);
    if (!inParts) for (const [name, value] of slopes.size ? scale.next(slopes) : []) next.set(name, value);
  }
  const part = inParts ? { share: g.input(partNames.share, "float32", []), last: g.input(partNames.last, "bool", []) } : undefined;
  if (part) inputs.push(part.share, part.last);
  const begins = new Map(states.map((s) => [s.name, s.initial]));
  /** Each parameter and its moments. */
  const own = new Map(trained.map((name) => [name, [name]]));
  const sums = gather(g, slopes, { t, every: accumulate, finite: lossScale !== undefined, part });
  slopes = sums.slopes;
  if (part && scale && slopes.size)
    for (const [name, value] of scale.next(slopes)) next.set(name, g.where(part.last, value, g.value(name)));
  for (const [name, sum] of sums.next) {
    const { dims, dtype } = graph.info(name)!;
    moments.push({ name, dims: dims as number[], dtype, initial: zeros(dtype, dims as number[]), ...(inParts ? { within: true } : {}) });
    next.set(name, sum);
    own.get(name.slice(0, name.lastIndexOf(":")))?.push(name);
  }
  if (clipValue !== undefined) slopes = clipByValue(g, slopes, clipValue);
  if (clipNorm !== undefined) slopes = clipByGlobalNorm(g, slopes, clipNorm);

  for (const name of trained) {
    const parameter = begins.get(name)!;
    const { dims } = parameter;
    for (const moment of memory(dims)) {
      const whole = moment.shared ? moment.name : `${name}:${moment.name}`;
      if (moment.shared && graph.defines(whole)) continue;
      const shape = moment.shared ? [] : [...(moment.dims ?? dims)];
      const dtype = moment.shared ? "float32" : parameter.dtype;
      const filled = (value: number) => fromNumbers(dtype, shape, new Array<number>(sizeOf(shape)).fill(value));
      const initial = moment.initial === "parameter" ? parameter : moment.initial ? filled(moment.initial) : zeros(dtype, shape);
      moments.push({ name: whole, dims: shape, dtype, initial });
      if (!moment.shared) own.get(name)!.push(whole);
      g.input(whole, dtype, shape);
    }
  }
  const held = (now: Value, before: Value) => (sums.due ? g.where(sums.due, now, before) : now);
  for (const group of groups(g, trained, whole, decay)) {
    const shared = new Set(memory(g.value(group[0]!).dims as number[]).flatMap((m) => (m.shared ? [m.name] : [])));
    const at = {
      p: together(g, group),
      lr: g.cast(lr, g.value(group[0]!).dtype),
      t: sums.t,
      memory: (m: string) =>
        shared.has(m)
          ? g.value(m)
          : together(
              g,
              group.map((name) => `${name}:${m}`),
            ),
      keep(m: string, now: Value) {
        const value = held(now, at.memory(m));
        if (shared.has(m)) next.set(m, value);
        else
          apart(
            g,
            value,
            group.map((name) => `${name}:${m}`),
            next,
          );
      },
    };
    const slope = g.concat(
      group.map((name) => slopes.get(name)!),
      { axis: 0 },
    );
    apart(g, held(update(g, slope, at, decay(group[0]!)), at.p), group, next);
  }
  next.set("t", g.add(t, part ? g.cast(part.last, "float32") : 1));
  states.push(...running, ...moments, { name: "t", dims: [], dtype: "float32", initial: float32([], [1]) });
  if (random) states.push({ name: "seed", dims: [], dtype: "int64", initial: int64([], [seed]) });

  const lossName = options.lossName ?? "loss";
  const wanted = new Map([[lossName, g.value(loss)], ...keep.map((name) => [name, g.value(name)] as const)]);
  for (const s of states) if (next.has(s.name)) wanted.set(`next:${s.name}`, next.get(s.name)!);
  graph.setOutputs([]);
  nameOutputs(g, wanted);
  graph.prune();
  graph.orderInputs([...inputs.map((i) => i.name), "lr", "t", ...(random ? ["seed"] : []), ...[...own.values()].flat()]);
  return { graph: runPasses(graph, lower(device)), inputs, states, outputs: [lossName, ...keep] };
}

/** Inputs that say where in the batch a part begins, and the batch's symbol: the first axis of what is fed. */
const partOf = (forward: Graph) => ({ batch: String(forward.inputs[0]?.dims[0]), from: partNames.from, of: partNames.of });

/** The names that a step adds. */
function namesOf(forward: Graph, parameters: readonly string[], memory: ReturnType<typeof optimizer>["memory"]): string[] {
  const own = parameters.flatMap((p) => [
    `${p}:sum`,
    ...memory(forward.info(p)!.dims as number[]).map((m) => (m.shared ? m.name : `${p}:${m.name}`)),
  ]);
  const dropout = forward.nodes.some((n) => n.type === "Dropout");
  return ["lr", "t", ...(dropout ? ["seed"] : []), ...own, ...["t", ...parameters, ...own].map((name) => `next:${name}`)];
}

/** Values put one under the other. */
const together = (g: Builder, names: readonly string[]): Value =>
  g.concat(
    names.map((name) => g.value(name)),
    { axis: 0 },
  );

/** The parts that `together` put one under the other, each noted under its name. */
function apart(g: Builder, values: Value, names: readonly string[], next: Map<string, Value>): void {
  if (names.length === 1) return void next.set(names[0]!, values);
  const lengths = names.map((name) => g.value(name).dims[0] as number);
  const parts = g.split(values, lengths, { axis: 0 });
  names.forEach((name, i) => next.set(name, parts[i]!));
}

function requireTrainable(graph: Graph, name: string): void {
  const { dtype } = graph.info(name)!;
  if (dtype !== "float32" && dtype !== "float64")
    throw new AppError(
      "modelInvalid",
      `The parameter '${name}' is ${dtype}; float32 and float64 are trained.`,
      "Export the model in float32, or leave this parameter out.",
      { value: name },
    );
}

function state(name: string, graph: Graph): StepState {
  const initial = graph.initializers.get(name)!;
  return { name, dims: [...initial.dims], dtype: initial.dtype, initial };
}

/** Parameters smaller than this are updated together: each node costs a microsecond or two, whatever its size. */
const small = 4096;

/** Names of parameters to update as one: the small ones of one width and one kind of decay, put one under the other. */
function groups(g: Builder, names: readonly string[], whole: boolean, decay: (name: string) => boolean): string[][] {
  const found = new Map<string, string[]>();
  for (const [place, name] of names.entries()) {
    const { dims, dtype } = g.value(name);
    const joined = !whole && dims.length > 0 && sizeOf(dims as number[]) < small;
    const key = joined ? `${dtype} ${dims.slice(1).join()} ${decay(name)} ${Math.floor(place / 12)}` : name;
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
