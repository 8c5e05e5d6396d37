// What any ONNX file says of itself: what goes in and comes out, its weights, its class names, who made it, and what sort of network it is.
// Nothing here runs or changes the graph.
import type { ModelPort, PortUse } from "../../ipc/types.ts";
import { type Dim, type Graph, isUnknown, type Node, type ValueInfo } from "../onnx/graph.ts";
import { bytesOf, isFloat, sizeOf } from "../tensor.ts";

/** Whether a path is that of a model file. */
export const isModelPath = (path: string): boolean => /\.onnx$/i.test(path);

/** A picture: which axes are height and width, and how many channels; channels first where both would do. */
export interface PictureAxes {
  axes: readonly [number, number];
  channels: 1 | 3;
}

const pictureTypes = new Set(["float32", "float16", "uint8"]);
/** Sides shorter than this are no pictures: feature maps and kernels have such. */
const leastSide = 8;

/** How a value is a picture; undefined where it is none. */
export function pictureAxes({ dtype, dims }: Pick<ValueInfo, "dtype" | "dims">): PictureAxes | undefined {
  if (dims.length !== 4 || !pictureTypes.has(dtype)) return undefined;
  const long = (axis: number) => typeof dims[axis] === "string" || dims[axis]! >= leastSide;
  for (const [channel, axes] of [
    [1, [2, 3]],
    [3, [1, 2]],
  ] as const) {
    const channels = dims[channel];
    if ((channels === 1 || channels === 3) && axes.every(long)) return { axes, channels };
  }
  return undefined;
}

/** @param alone whether it is the only input */
export function useOf(info: Pick<ValueInfo, "dtype" | "dims">, alone: boolean): PortUse {
  const { dtype, dims } = info;
  const column = dims.length === 1 || (dims.length === 2 && dims[1] === 1);
  if (dtype === "string") return column && !alone ? "column" : "text";
  if (pictureAxes(info)) return "picture";
  if (column) return "column";
  return dims.length === 2 && typeof dims[1] === "number" && isFloat(dtype) ? "numbers" : "tensor";
}

export function portOf({ name, dtype, dims }: ValueInfo, alone: boolean): ModelPort {
  return { name, dtype, dims: dims.map((d: Dim) => (isUnknown(d) ? "?" : d)), use: useOf({ dtype, dims }, alone) };
}

/** Numbers and bytes of the weights by dtype, the most first; those of inner graphs too. Only lists of places and lengths are left out. */
export function weightsOf(graph: Graph): { dtype: string; count: number; bytes: number }[] {
  const found = new Map<string, { dtype: string; count: number; bytes: number }>();
  const walk = (one: Graph) => {
    for (const { dtype, dims } of one.initializers.values()) {
      if (dtype === "string" || dtype === "bool" || (dtype === "int64" && dims.length < 2)) continue;
      const entry = found.get(dtype) ?? { dtype, count: 0, bytes: 0 };
      entry.count += sizeOf(dims);
      entry.bytes += Math.ceil(sizeOf(dims) * bytesOf(dtype));
      found.set(dtype, entry);
    }
    for (const node of one.nodes) for (const attr of Object.values(node.attrs)) if (attr.type === "graph") walk(attr.value);
  };
  walk(graph);
  for (const node of graph.nodes) {
    if (node.domain !== "ai.onnx.ml") continue;
    // Classic models keep theirs as attributes.
    for (const [key, attr] of Object.entries(node.attrs)) {
      if (attr.type !== "floats" || !/coefficients|intercepts|weights|values|offset|scale|rho/.test(key)) continue;
      const entry = found.get("float32") ?? { dtype: "float32", count: 0, bytes: 0 };
      entry.count += attr.value.length;
      entry.bytes += 4 * attr.value.length;
      found.set("float32", entry);
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

const longest = 2000;
const mostEntries = 40;
/** Entries that Paddock writes for itself. */
const inner = new Set(["paddock", "paddock.step", "classes", "labels", "names", "class_names", "onnx.infer"]);

/** What the file says in words: its metadata and header, long values cut. */
export function aboutOf(graph: Graph): Record<string, string> {
  const entries = [...graph.metadata, ...graph.about].filter(([key, value]) => key && value && !inner.has(key));
  const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…` : text);
  const shown = entries.slice(0, mostEntries).map(([key, value]) => [cut(key, 100), cut(value, longest)] as const);
  return Object.fromEntries([...shown.map(([key, value]) => [/^licen[cs]e$/i.test(key) ? "licence" : key, value] as const)]);
}

/** Class names: of the metadata, or of the operator that chooses the class. */
export function labelsOf(graph: Graph): string[] | undefined {
  for (const key of ["classes", "labels", "class_names", "names"]) {
    const found = labelsFrom(graph.metadata.get(key) ?? "");
    if (found) return found;
  }
  for (const node of [...graph.nodes].reverse()) {
    if (node.domain !== "ai.onnx.ml") continue;
    for (const key of ["classlabels_strings", "classlabels_int64s", "classlabels_ints"]) {
      const attr = node.attrs[key];
      if ((attr?.type === "strings" || attr?.type === "ints") && attr.value.length) return attr.value.map(String);
    }
  }
  return undefined;
}

const mostLabels = 100_000;

/** Names from JSON (a list, or an object by number), from Python's way to write a dict or list, or one a line. */
export function labelsFrom(text: string): string[] | undefined {
  const trimmed = text.trim();
  if (!trimmed) return undefined;
  if (/^[[{]/.test(trimmed)) return fromJson(trimmed) ?? fromPython(trimmed);
  const lines = trimmed.split(/\r?\n/).map((line) => line.trim());
  const names = lines.length > 1 ? lines : trimmed.split(",").map((part) => part.trim());
  return names.length > 1 && names.length <= mostLabels ? names : undefined;
}

function fromJson(text: string): string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value)) return value.length > 0 && value.length <= mostLabels ? value.map(named) : undefined;
  const entries = Object.entries(value as object).sort((a, b) => Number(a[0]) - Number(b[0]));
  return entries.length && entries.every(([key], i) => Number(key) === i) ? entries.map(([, one]) => named(one)) : undefined;
}

/** ImageNet's files give a pair of code and name for each class. */
const named = (one: unknown): string => (Array.isArray(one) ? String(one.at(-1)) : typeof one === "string" ? one : JSON.stringify(one));

function fromPython(text: string): string[] | undefined {
  const pairs = [...text.matchAll(/(\d+)\s*:\s*(?:'([^']*)'|"([^"]*)")/g)];
  if (pairs.length) return pairs.every(([, key], i) => Number(key) === i) ? pairs.map(([, , a, b]) => a ?? b ?? "") : undefined;
  const items = [...text.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, a, b]) => a ?? b ?? "");
  return items.length > 1 ? items : undefined;
}

/** Names of networks that makers write into their graphs. */
const known =
  /mobilenet|resnext|resnet|efficientnet|densenet|squeezenet|shufflenet|convnext|inception|googlenet|vgg|alexnet|yolo|unet|bert|roberta|gpt|llama|qwen|t5|clip|whisper|wav2vec|vit/i;

/** What sort of network it is, in one word: as the file says, else by its operators. */
export function familyOf(graph: Graph): string {
  for (const key of ["family", "model_type", "architecture"]) {
    const told = graph.metadata.get(key);
    if (told && told.length <= 60) return told;
  }
  const name = [graph.name, graph.metadata.get("name") ?? "", graph.metadata.get("model_name") ?? ""].join(" ");
  return known.exec(name)?.[0].toLowerCase() ?? byOperators(graph);
}

function byOperators(graph: Graph): string {
  const nodes = allNodes(graph);
  const count = (...types: string[]) => nodes.filter(({ type }) => types.includes(type)).length;
  if (count("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor")) return "trees";
  if (count("SVMClassifier", "SVMRegressor")) return "support vectors";
  if (count("LinearClassifier", "LinearRegressor")) return "linear";
  if (count("LSTM", "GRU", "RNN")) return "recurrent";
  const convolutions = nodes.filter(
    ({ type }) => type === "Conv" || type === "ConvInteger" || type === "QLinearConv" || type === "FusedConv",
  );
  if (convolutions.length) {
    if (graph.inputs.some(pictureAxes) && graph.outputs.some(pictureAxes)) return "picture to picture";
    const deep = convolutions.filter(({ attrs }) => attrs["group"]?.type === "int" && attrs["group"].value > 1).length;
    if (deep >= 4 && deep * 4 >= convolutions.length) return "mobilenet";
    return count("Add", "Sum") >= 3 && joins(graph) >= 3 ? "resnet" : "convolutional";
  }
  const products = count(
    "MatMul",
    "Gemm",
    "MatMulInteger",
    "DynamicQuantizeMatMul",
    "MatMulNBits",
    "FusedMatMul",
    "QGemm",
    "QLinearMatMul",
  );
  if (count("Attention", "MultiHeadAttention", "GroupQueryAttention") || (count("Softmax") >= 1 && products >= 6)) return "transformer";
  return products > 1 ? "mlp" : products === 1 ? "linear" : "graph";
}

/** Sums of two values that nodes make: the shortcuts of a residual network. */
const joins = (graph: Graph): number =>
  graph.nodes.filter(({ type, inputs }) => type === "Add" && inputs.length === 2 && inputs.every((x) => graph.producer(x))).length;

export const allNodes = (graph: Graph): Node[] =>
  graph.nodes.flatMap((node) => [
    node,
    ...Object.values(node.attrs).flatMap((attr) => (attr.type === "graph" ? allNodes(attr.value) : [])),
  ]);

/** Operators with their counts, the most frequent first. */
export function operatorsOf(graph: Graph): { name: string; domain: string; type: string; count: number }[] {
  const found = new Map<string, { name: string; domain: string; type: string; count: number }>();
  for (const { type, domain } of allNodes(graph)) {
    const name = domain ? `${domain}.${type}` : type;
    const entry = found.get(name) ?? { name, domain, type, count: 0 };
    entry.count++;
    found.set(name, entry);
  }
  return [...found.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
