// How long a step takes: a step file run on seeded inputs, the same on every device, its state carried on from step to step.
import { totalmem } from "node:os";
import { AppError } from "../../ipc/error.ts";
import type { BenchResult } from "../../ipc/types.ts";
import { readGraph } from "../formats/onnx.ts";
import { check } from "../onnx/check.ts";
import { type Dim, type Graph, opset, type ValueInfo } from "../onnx/graph.ts";
import { inferGraph } from "../ops/infer.ts";
import { seeded } from "../ops/samples.ts";
import { openEngine, type StepGraph, type StepState } from "../run/engine.ts";
import { bytesOf, fromNumbers, isFloat, sizeOf, type Tensor, toNumbers } from "../tensor.ts";
import { cardKey, type StepCard } from "./graphFiles.ts";
import { peakMemory } from "./memory.ts";

/** What a symbolic length is where no size is given. */
const usual = 8;

export interface BenchSpec {
  file: string;
  device: string;
  steps: number;
  seed: number;
  sizes?: Record<string, number>;
}

/**
 * Times the steps and keeps their losses; the first step, in which the runtime lays out its memory, is not timed where there are others.
 * @throws modelInvalid for a file that is no training step; deviceUnknown, deviceFailed
 */
export async function benchStep({ file, device, steps, seed, sizes = {} }: BenchSpec, signal?: AbortSignal): Promise<BenchResult> {
  const graph = readGraph(file);
  check(graph);
  if (graph.opsets.get("") === opset) inferGraph(graph); // a step of ours: what is wrong in it is said by node
  requireRoom(graph, sizes, file);
  const random = seeded(seed);
  const { step, rate } = stepOf(graph, random, file);
  const feeds = Object.fromEntries(step.inputs.map((info) => [info.name, drawn(graph, info, sizes, random)]));
  const engine = await openEngine(device);
  try {
    const session = await refusals(file, () => engine.train(step, undefined));
    const times: number[] = [];
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      signal?.throwIfAborted();
      const began = performance.now();
      const out = await refusals(file, () => session.step(feeds, rate));
      times.push(performance.now() - began);
      losses.push(toNumbers(out[step.outputs[0]!]!)[0]!);
    }
    const timed = times.slice(steps > 1 ? 1 : 0).sort((a, b) => a - b);
    const at = (share: number) => Number(timed[Math.min(timed.length - 1, Math.floor(share * timed.length))]!.toFixed(4));
    return {
      device,
      stepMs: { median: at(0.5), p10: at(0.1), p90: at(0.9) },
      losses,
      peakMemoryBytes: peakMemory(),
    };
  } finally {
    await engine.dispose();
  }
}

/** What the runtime does not take is the file's fault. */
async function refusals<T>(file: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    if (thrown instanceof AppError || !(thrown instanceof Error)) throw thrown;
    const full = /alloc|out of memory/i.test(thrown.message);
    throw new AppError(
      full ? "outOfMemory" : "modelInvalid",
      `${file}: ${full ? "The step does not fit into memory" : "The runtime does not take the step"}: ${thrown.message.split("\n")[0]}`,
      full ? "Fix smaller lengths with --dim." : "Make it again with paddock train-step.",
      { file },
      thrown,
    );
  }
}

/** Throws `modelInvalid` where the inputs alone are larger than the machine's memory. */
function requireRoom(graph: Graph, sizes: Record<string, number>, file: string): void {
  let bytes = 0;
  for (const { name, dtype, dims } of graph.inputs) bytes += sizeOf(lengthsOf(name, dims, sizes)) * Math.max(1, bytesOf(dtype));
  if (!(bytes <= totalmem()))
    throw new AppError(
      "modelInvalid",
      `${file}: The inputs of the step take ${(bytes / 2 ** 30).toPrecision(3)} GB; this machine has ${Math.floor(totalmem() / 2 ** 30)}.`,
      "Fix smaller lengths with --dim, or make the step of a smaller model.",
      { file, bytes },
    );
}

const lengthsOf = (name: string, dims: readonly Dim[], sizes: Record<string, number>): number[] =>
  dims.map((d, i) => (typeof d === "number" ? d : (sizes[`${name}.${i}`] ?? sizes[d] ?? usual)));

/** The step that a file holds: its states are the inputs that come out again as `next:<name>`, and the seed of dropout. */
function stepOf(graph: Graph, random: () => number, file: string): { step: StepGraph; rate: number } {
  const card = cardOf(graph);
  const outputs = graph.outputs.map((o) => o.name);
  const carried = new Set(outputs.filter((o) => o.startsWith("next:")).map((o) => o.slice(5)));
  const loss = outputs.find((o) => !o.startsWith("next:"));
  if (!carried.size || loss === undefined)
    throw new AppError(
      "modelInvalid",
      `${file} is no training step: it gives no loss, or no state as 'next:<name>'.`,
      "Make one with paddock train-step.",
      {
        file,
      },
    );
  const states: StepState[] = [];
  for (const { name, dtype, dims } of graph.inputs) {
    if (name === "lr" || (!carried.has(name) && name !== "seed")) continue;
    if (dims.some((d) => typeof d === "string"))
      throw new AppError("modelInvalid", `The state '${name}' has no fixed shape.`, "Make the step again.", { value: name });
    const shape = dims as number[];
    const told = card?.states.find((s) => s.name === name)?.initial;
    const kept = graph.initial.get(typeof told === "string" ? told : name);
    const fill = typeof told === "number" ? told : name === "t" ? 1 : name.includes(":") ? 0 : undefined;
    states.push({ name, dtype, dims: shape, initial: kept ?? filled(dtype, shape, fill, random) });
  }
  const own = new Set(states.map((s) => s.name));
  const inputs = graph.inputs.filter((i) => i.name !== "lr" && !own.has(i.name));
  return { step: { graph, inputs, states, outputs: [loss] }, rate: Number(card?.hyperparameters["lr"] ?? 1e-3) };
}

function cardOf(graph: Graph): StepCard | undefined {
  try {
    const card = JSON.parse(graph.metadata.get(cardKey) ?? "null") as StepCard | null;
    return card && Array.isArray(card.states) ? card : undefined;
  } catch {
    return undefined; // another tool's note of that name
  }
}

/** Filled with a number, or drawn as weights are: even, of variance 1 over the incoming width. */
function filled(dtype: ValueInfo["dtype"], dims: number[], fill: number | undefined, random: () => number): Tensor {
  const size = sizeOf(dims);
  const width = Math.sqrt(3 / Math.max(1, dims[0] ?? 1));
  const values = Array.from({ length: size }, () => fill ?? (random() * 2 - 1) * width);
  return fromNumbers(dtype, dims, values);
}

/** A batch input: bell-shaped floats; whole numbers below what their readers can take. */
function drawn(graph: Graph, { name, dtype, dims }: ValueInfo, sizes: Record<string, number>, random: () => number): Tensor {
  const shape = lengthsOf(name, dims, sizes);
  const size = sizeOf(shape);
  if (dtype === "string")
    throw new AppError("modelInvalid", `The input '${name}' is text, which cannot be drawn.`, "Encode text first.", { value: name });
  if (isFloat(dtype))
    return fromNumbers(
      dtype,
      shape,
      Array.from({ length: size }, () => (random() + random() + random() + random() + random() + random() - 3) * Math.SQRT2),
    );
  const below = dtype === "bool" ? 2 : lowestBound(graph, name);
  return fromNumbers(
    dtype,
    shape,
    Array.from({ length: size }, () => Math.floor(random() * below)),
  );
}

/** Where ids may be looked up: the shortest axis that this value, seen in other shapes, picks from; 2 where nothing says. */
function lowestBound(graph: Graph, name: string): number {
  const same = new Set([name]);
  let bound = Infinity;
  for (const node of graph.nodes) {
    const at = node.inputs.findIndex((x) => same.has(x));
    if (at < 0) continue;
    const dims = graph.info(node.inputs[0]!)?.dims ?? graph.initializers.get(node.inputs[0]!)?.dims ?? [];
    const axis = node.attrs["axis"]?.type === "int" ? node.attrs["axis"].value : 0;
    const length = (d: Dim | undefined) => (typeof d === "number" ? d : Infinity);
    if (
      ["Cast", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Identity", "Transpose", "Expand", "Slice", "Concat", "Where"].includes(
        node.type,
      )
    )
      for (const y of node.outputs) same.add(y);
    else if (["Gather", "GatherElements"].includes(node.type) && at === 1) bound = Math.min(bound, length(dims.at(axis)));
    else if (["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"].includes(node.type) && at === 1)
      bound = Math.min(bound, length(dims[1]));
    else if (node.type === "OneHot" && at === 0) {
      const depth = graph.initializers.get(node.inputs[1]!);
      if (depth) bound = Math.min(bound, toNumbers(depth)[0]!);
    }
  }
  return Number.isFinite(bound) && bound >= 1 ? bound : 2;
}
