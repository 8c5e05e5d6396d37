// Which float initializers of a file are weights: those from which a path of floats leads to an output, not through a place that only sets
// how an operator works, and that hold no infinity (a mask does).
import type { Graph, Node } from "../onnx/graph.ts";
import { isFloat, type Tensor } from "../tensor.ts";

/** Places that only a constant can fill: rules want to know it before the graph runs, or nothing flows back there. */
const settings: Record<string, readonly number[]> = {
  Resize: [1, 2, 3],
  Upsample: [1],
  Dropout: [1, 2],
  OneHot: [1, 2],
  Range: [0, 1, 2],
  QuantizeLinear: [1, 2],
  DequantizeLinear: [1, 2],
  RotaryEmbedding: [1, 2],
  "com.microsoft.MatMulNBits": [1, 2, 3, 4, 5],
};

/** Places that have a gradient, but that nobody trains: bounds, what is put around, running statistics, how much a class weighs. */
const chosen: Record<string, readonly number[]> = {
  Clip: [1, 2],
  Pad: [2],
  BatchNormalization: [3, 4],
  SoftmaxCrossEntropyLoss: [2],
  NegativeLogLikelihoodLoss: [2],
};

/** Operators whose result is flat or whole-numbered whatever goes in. */
const flat = new Set(
  "Shape Size ArgMax ArgMin Equal Greater GreaterOrEqual Less LessOrEqual Not NonZero IsNaN IsInf Sign Floor Ceil Round".split(" "),
);
const floatCodes = [1, 10, 11, 16];

/** @param asked initializers that are trained also where only `chosen` places or infinities speak against it */
export function trainable(graph: Graph, asked: readonly string[] | "all" = []): Set<string> {
  const [weights, all] = [live(graph, true), live(graph, false)];
  const wanted = new Set(asked === "all" ? graph.parameters : asked);
  const isWeight = (name: string): boolean => {
    const tensor = graph.initializers.get(name)!;
    return isFloat(tensor.dtype) && (wanted.has(name) ? all.has(name) : weights.has(name) && isFinite(tensor));
  };
  return new Set([...graph.initializers.keys()].filter((name) => (graph.isParameter(name) || wanted.has(name)) && isWeight(name)));
}

/** Names from which a path of floats leads to an output. */
function live(graph: Graph, narrow: boolean): Set<string> {
  const found = new Set(graph.outputs.map((o) => o.name));
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((y) => found.has(y)) || stops(node)) continue;
    const type = node.domain ? `${node.domain}.${node.type}` : node.type;
    const places = [...own(settings, type), ...(narrow ? own(chosen, type) : [])];
    node.inputs.forEach((name, at) => !places.includes(at) && found.add(name));
    for (const attr of Object.values(node.attrs)) if (attr.type === "graph") for (const name of live(attr.value, narrow)) found.add(name);
  }
  return found;
}

const own = (table: Record<string, readonly number[]>, type: string): readonly number[] => (Object.hasOwn(table, type) ? table[type]! : []);

/** Whether nothing that trains goes on behind the node: it makes whole numbers. */
function stops(node: Node): boolean {
  if (node.domain !== "") return false;
  const to = node.type === "Cast" && node.attrs["to"]?.type === "int" ? node.attrs["to"].value : 1;
  return flat.has(node.type) || !floatCodes.includes(to);
}

/** Tensors so large are weights, and not looked through. */
const mostLooked = 1 << 20;

function isFinite({ dtype, data }: Tensor): boolean {
  if ((dtype !== "float32" && dtype !== "float64") || data.length > mostLooked) return true;
  return (data as Float32Array).every((v) => v !== Infinity && v !== -Infinity);
}
