// An imported network of pictures as a source of features: what goes into its last matrix, or what comes out of it where it has none.
// Letters: n pictures, C channels, S side, D features. Handled: one float input of four axes, channels first or last, of three channels or one.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { AppError } from "../../ipc/error.ts";
import type { PixelRange } from "../../ipc/types.ts";
import type { Graph, Node, ValueInfo } from "../onnx/graph.ts";
import { Builder, type Value } from "../ops/builder.ts";
import { float32, type Tensor } from "../tensor.ts";
import { openModel } from "./onnx.ts";
import { ranged, toldRange } from "./pixelRange.ts";

export interface Backbone {
  /** Name of the file. */
  file: string;
  /** sha-256 of the file, hexadecimal. */
  sha: string;
  /** Side of the square that it sees. */
  size: number;
  channels: 1 | 3;
  /** D. */
  features: number;
  /** 1 where the file takes one picture at a time; else any number. */
  batch: 1 | undefined;
  /** What the file says of the range of pixels. */
  told: PixelRange | undefined;
  licence: string | undefined;
  parameters: number;
  /** What could be learned on: the convolutions and matrices before the features, in their order. */
  layers: Layer[];
  /**
   * The features (n, D) of x (n, 3, S, S), float32 of 0 … 255, as nodes of the caller's graph.
   * @param weight what stands for a weight of the file; the weight itself where it answers undefined
   */
  embed(g: Builder, x: Value, range: PixelRange, weight?: (name: string, values: Tensor) => Value | undefined): Value;
}

export interface Layer {
  /** Names of its matrix or kernels, and of its bias where it has one. */
  weights: string[];
  /** Multiply-adds of one picture. */
  madds: number;
}

/** Where a file leaves the side open. */
const usualSide = 224;

/**
 * @throws what reading a model throws; modelInvalid for one that takes no picture, naming its inputs
 */
export async function openBackbone(path: string): Promise<Backbone> {
  const first = openModel(path);
  const { input, axes, channels } = pictureInput(first.graph, path);
  const side = (axis: number) => (typeof input.dims[axis] === "number" ? input.dims[axis] : usualSide);
  const size = side(axes[0]);
  const open = axes.filter((axis) => typeof input.dims[axis] !== "number");
  const sizes = Object.fromEntries(open.map((axis) => [`${input.name}.${axis}`, size]));
  const { graph } = open.length ? openModel(path, { sizes }) : first;
  if (side(axes[1]) !== size) throw notPictures(path, graph, "its pictures are not square");
  const cut = lastFeatures(graph);
  const embed: Backbone["embed"] = (g, x, range, weight) => {
    let shown = ranged(g, x, range);
    if (channels === 1) shown = luma(g, shown);
    if (axes[0] === 1) shown = g.transpose(shown, [0, 2, 3, 1]);
    return flat(g, copy(g, graph, { given: new Map([[input.name, shown]]), wanted: cut, weight }), path, graph);
  };
  const tried = (n: number | string) => {
    const g = new Builder("trial");
    return embed(g, g.input("x", "float32", [n, 3, size, size]), "0..1");
  };
  const many = attempt(() => tried("n"));
  const batch = typeof many?.dims[0] === "string" ? undefined : 1;
  const features = (batch === 1 ? tried(1) : many!).dims[1];
  if (typeof features !== "number") throw notPictures(path, graph, "the number of its features is not known");
  return {
    file: basename(path),
    sha: await shaOf(path),
    size,
    channels,
    features,
    batch,
    told: toldRange(first.file.metadata),
    licence: first.file.metadata.get("licence") ?? first.file.metadata.get("license"),
    parameters: [...graph.initializers.values()].reduce((sum, t) => sum + (t.dtype === "float32" ? t.data.length : 0), 0),
    layers: layersOf(graph, cut),
    embed,
  };
}

/** A graph that was made for one picture may not bear more; then that is what it is used for. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof AppError && (thrown.code === "shapeMismatch" || thrown.code === "modelInvalid")) return undefined;
    throw thrown;
  }
}

interface PictureInput {
  input: ValueInfo;
  /** Axes of height and width. */
  axes: readonly [number, number];
  channels: 1 | 3;
}

function pictureInput(graph: Graph, path: string): PictureInput {
  const [input] = graph.inputs;
  if (graph.inputs.length !== 1 || input!.dims.length !== 4 || input!.dtype !== "float32")
    throw notPictures(path, graph, "it takes no picture");
  const channels = (axis: number) => (input!.dims[axis] === 3 || input!.dims[axis] === 1 ? (input!.dims[axis] as 1 | 3) : undefined);
  const first = channels(1);
  if (first !== undefined) return { input: input!, axes: [2, 3], channels: first };
  const last = channels(3);
  if (last !== undefined) return { input: input!, axes: [1, 2], channels: last };
  throw notPictures(path, graph, "its channels are neither 3 nor 1");
}

function notPictures(path: string, graph: Graph, why: string): AppError {
  const inputs = graph.inputs.map(({ name, dtype, dims }) => `${name}: ${dtype}[${dims.join(", ")}]`);
  return new AppError(
    "modelInvalid",
    `'${basename(path)}' cannot give features of pictures: ${why} (${inputs.join("; ")}).`,
    "Choose an ONNX model with one float32 input of pictures, [n, 3, side, side] or [n, side, side, 3].",
    { file: path, inputs },
  );
}

/** Operators that may stand between the last matrix and the answer. */
const behind = new Set("Identity Softmax LogSoftmax Sigmoid Add Reshape Flatten Squeeze Cast Dropout".split(" "));

/** The value that goes into the last matrix on the way to the first output; the output itself where there is none. */
export function lastFeatures(graph: Graph): string {
  const output = graph.outputs[0]!.name;
  let at = output;
  for (;;) {
    const node = graph.producer(at);
    if (!node) return output;
    if ((node.type === "MatMul" || node.type === "Gemm") && graph.initializers.has(node.inputs[1]!)) return node.inputs[0]!;
    if (isPointwise(graph, node)) return node.inputs[0]!;
    if (!behind.has(node.type)) return output;
    const from = node.inputs.filter((name) => name && !graph.initializers.has(name) && graph.producer(name)?.type !== "Constant");
    if (from.length !== 1) return output;
    at = from[0]!;
  }
}

/** A 1 × 1 convolution of a single place: a matrix by another name. */
function isPointwise(graph: Graph, node: Node): boolean {
  if (node.type !== "Conv") return false;
  const dims = graph.info(node.inputs[0]!)?.dims;
  return dims?.[2] === 1 && dims[3] === 1;
}

export function partOf(graph: Graph, wanted: string): Graph {
  const part = graph.clone();
  part.setOutputs([wanted]);
  part.prune();
  return part;
}

/** Convolutions and matrices whose weights are in the file, on the way to `wanted`. */
function layersOf(graph: Graph, wanted: string): Layer[] {
  const product = (dims: readonly (number | string)[]) => dims.reduce<number>((all, d) => all * (typeof d === "number" ? d : 1), 1);
  const part = partOf(graph, wanted);
  return part.nodes.flatMap((node) => {
    const kernel = part.initializers.get(node.inputs[1] ?? "");
    if (!["Conv", "MatMul", "Gemm"].includes(node.type) || kernel?.dtype !== "float32") return [];
    const bias = part.initializers.get(node.inputs[2] ?? "");
    const out = (part.info(node.outputs[0]!)?.dims ?? []).slice(1);
    const madds = node.type === "Conv" ? product(out) * product(kernel.dims.slice(1)) : product(out.slice(0, -1)) * product(kernel.dims);
    return [{ weights: [node.inputs[1]!, ...(bias?.dtype === "float32" ? [node.inputs[2]!] : [])], madds }];
  });
}

export interface Copied {
  /** Values that stand for inputs. */
  given: ReadonlyMap<string, Value>;
  wanted: string;
  weight: ((name: string, values: Tensor) => Value | undefined) | undefined;
}

/** Copies what `wanted` needs into the caller's graph. */
export function copy(g: Builder, graph: Graph, { given, wanted, weight }: Copied): Value {
  const part = partOf(graph, wanted);
  const values = new Map(given);
  for (const [name, tensor] of part.initializers) values.set(name, weight?.(name, tensor) ?? g.constant(tensor));
  for (const node of part.nodes) {
    const inputs = node.inputs.map((name) => (name === "" ? "" : values.get(name)!.name));
    const made = g.node({ type: node.type, domain: node.domain, attrs: node.attrs, inputs }, node.outputs.length);
    node.outputs.forEach((name, i) => values.set(name, made[i]!));
  }
  return values.get(wanted)!;
}

/** Features of any shape as (n, D): the mean over places (channels first or last, told by which axis is larger) or over tokens. */
function flat(g: Builder, x: Value, path: string, graph: Graph): Value {
  if (x.dims.length === 2) return x;
  if (x.dims.length === 3) return g.reduceMean(x, { axes: [1], keepdims: false });
  if (x.dims.length === 4) {
    const last = x.dims[1] === x.dims[2] && x.dims[3] !== x.dims[2];
    return g.reduceMean(x, { axes: last ? [1, 2] : [2, 3], keepdims: false });
  }
  throw notPictures(path, graph, `its features have ${x.dims.length} axes`);
}

/** Brightness by ITU-R BT.601: (n, 3, S, S) → (n, 1, S, S). */
function luma(g: Builder, x: Value): Value {
  const weights = g.constant(float32([1, 3, 1, 1], Float32Array.from([0.299, 0.587, 0.114])));
  return g.reduceSum(g.mul(x, weights), { axes: [1], keepdims: true });
}

async function shaOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
