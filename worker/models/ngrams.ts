// A text as the weighted mean of its pieces' vectors, and a linear answer on it: fastText (Joulin et al. 2016,
// https://arxiv.org/abs/1607.01759). What a piece weighs is tf-idf with a damped count, (1 + ln n) · rarity, brought to length 1 as in
// scikit-learn's TfidfVectorizer(sublinear_tf=True). With few answers a piece's vector is its say in each answer itself (logistic regression on
// hashed pieces); with many, a shorter vector that all answers read.
// Letters: B batch, L places of the longest text, T places of the table, D width.
import { Builder, type Value } from "../ops/builder.ts";
import type { Graph } from "../onnx/graph.ts";
import type { Task } from "../tasks/task.ts";
import { float32, type Tensor } from "../tensor.ts";
import { linear, openNet, zeros } from "./layers.ts";

export interface NgramNet {
  /** T = 2^bits */
  bits: number;
  /** 0: vectors are answers. */
  width: number;
  outputs: number;
  seed: number;
}

/** How many answers are read from vectors of their own, and the width of vectors otherwise. */
const own = 8;
const shared = 32;

/** The net that suits so many answers: a table of two to four million numbers at most. */
export const suitableNet = (outputs: number, seed: number): NgramNet =>
  outputs <= own ? { bits: 18, width: 0, outputs, seed } : { bits: 17, width: shared, outputs, seed };

/**
 * ids (B, L) int64, weights (B, L) float32 → raw answers (B, outputs).
 * @param rarity (T): what the places weigh; 0 for those that training never saw
 */
function answers(
  g: Builder,
  net: NgramNet,
  { ids, weights }: { ids: Value; weights: Value },
  rarity: Float32Array,
  options: { training: boolean; given?: ReadonlyMap<string, Tensor> },
): Value {
  const places = 2 ** net.bits;
  const layer = openNet(g, { ...options, seed: net.seed });
  const rare = g.constant(float32([places], rarity), "rarity"); // (T)
  const v = g.mul(weights, g.gather(rare, ids)); // (B, L)
  const length = g.sqrt(g.add(g.reduceSum(g.square(v), { axes: [1] }), 1e-12)); // (B, 1)
  const u = g.unsqueeze(g.div(v, length), [1]); // (B, 1, L)
  const wide = net.width || net.outputs;
  const begin = net.width ? (values: Float32Array, random: { uniform(): number }) => small(values, random, net.width) : zeros;
  const table = layer.weight("pieces.table", [places, wide], begin); // (T, D)
  const mean = g.squeeze(g.matmul(u, g.gather(table, ids)), [1]); // (B, D)
  if (net.width) return linear(layer, "out", mean, net.outputs, { gain: 1 }); // (B, outputs)
  return g.add(mean, layer.weight("out.bias", [wide], zeros)); // (B, outputs)
}

/** Uniform in ±1/D, as fastText begins. */
function small(values: Float32Array, random: { uniform(): number }, width: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) / width;
}

const inputs = (g: Builder) => ({ ids: g.input("ids", "int64", ["B", "L"]), weights: g.input("weights", "float32", ["B", "L"]) });

/** Inputs ids, weights and y; outputs `loss` and `shown`. */
export function ngramTraining(net: NgramNet, task: Task, rarity: Float32Array): Graph {
  const g = new Builder("training");
  const raw = answers(g, net, inputs(g), rarity, { training: true });
  const y = task.truth === "classes" ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
  const { loss, shown } = task.losses(g, raw, y);
  g.output(loss, "loss");
  g.output(shown, "shown");
  return g.graph;
}

/** Inputs ids and weights; output `answer`. */
export function ngramAnswering(net: NgramNet, task: Task, rarity: Float32Array): Graph {
  const g = new Builder("answering");
  g.output(task.together(g, answers(g, net, inputs(g), rarity, { training: false })), "answer");
  return g.graph;
}

/** The trained network in a graph of the caller's: logits (n, C), or the standardised value (n, 1). */
export function ngramInference(
  g: Builder,
  net: NgramNet,
  task: Task,
  given: { ids: Value; weights: Value; rarity: Float32Array; parameters: ReadonlyMap<string, Tensor> },
): Value {
  return task.together(g, answers(g, net, given, given.rarity, { training: false, given: given.parameters }));
}
