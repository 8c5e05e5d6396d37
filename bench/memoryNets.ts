// Nets of which memory is reckoned and measured: deep ones, whose activations weigh more than their weights.
import type { Graph } from "../worker/onnx/graph.ts";
import { Builder, type Value } from "../worker/ops/builder.ts";
import { seeded } from "../worker/ops/samples.ts";
import { fromNumbers, sizeOf } from "../worker/tensor.ts";

const random = seeded(7);
const draw = (n: number, bound: number) => Float32Array.from({ length: n }, () => (random() * 2 - 1) * bound);
const weight = (g: Builder, name: string, dims: number[]) => g.parameter(name, dims, draw(sizeOf(dims), Math.sqrt(3 / dims[0]!)));

/** Plain layers, one behind the other. */
export function deep(depth: number, width: number, activation: "tanh" | "relu" = "tanh"): Graph {
  const g = new Builder("deep");
  let x = g.input("x", "float32", ["B", width]);
  for (let i = 0; i < depth; i++)
    x = g[activation](g.add(g.matmul(x, weight(g, `w${i}`, [width, width])), g.parameter(`b${i}`, [width], draw(width, 0.1))));
  g.output(g.reduceMean(g.square(x), { keepdims: false }), "loss");
  return g.graph;
}

/** Attention blocks with dropout around which a sum goes past every cut, on tokens, with the head tied to the embedding. */
export function attention(depth: number, d = 16, time = 8, vocabulary = 11): Graph {
  const g = new Builder("attention");
  const tokens = g.input("tokens", "int64", ["B", time]);
  const table = weight(g, "table", [vocabulary, d]);
  let x = g.add(g.gather(table, tokens), weight(g, "places", [time, d]));
  const norm = (v: Value, name: string) =>
    g.layerNorm(v, g.parameter(`${name}.g`, [d], new Float32Array(d).fill(1)), g.parameter(`${name}.b`, [d], new Float32Array(d)));
  for (let i = 0; i < depth; i++)
    g.scope(`block${i}`, () => {
      const h = norm(x, "n1");
      const [q, k, v] = ["q", "k", "v"].map((name) => g.matmul(h, weight(g, name, [d, d]))) as [Value, Value, Value];
      const scores = g.softmax(g.mul(g.matmul(q, g.transpose(k, [0, 2, 1])), 0.25));
      x = g.add(x, g.dropout(g.matmul(g.matmul(scores, v), weight(g, "o", [d, d])), 0.1));
      x = g.add(x, g.matmul(g.gelu(g.matmul(norm(x, "n2"), weight(g, "up", [d, 2 * d]))), weight(g, "down", [2 * d, d])));
    });
  const scores = g.matmul(norm(x, "last"), g.transpose(table, [1, 0]));
  const labels = g.input("labels", "int64", ["B"]);
  g.output(g.op("SoftmaxCrossEntropyLoss", [g.reduceMean(scores, { axes: [1], keepdims: false }), labels]), "loss");
  return g.graph;
}

/** Convolutions with batch normalisation in training, whose running statistics go on too. */
export function convolutions(depth: number, channels = 4, side = 8): Graph {
  const g = new Builder("convolutions");
  let x = g.input("x", "float32", ["B", channels, side, side]);
  for (let i = 0; i < depth; i++) {
    const fixed = (name: string, fill: number) =>
      g.constant(fromNumbers("float32", [channels], new Array<number>(channels).fill(fill)), name);
    const conv = g.op("Conv", [x, weight(g, `k${i}`, [channels, channels, 3, 3])], { pads: [1, 1, 1, 1] });
    const [normed] = g.op(
      "BatchNormalization",
      [
        conv,
        g.parameter(`g${i}`, [channels], draw(channels, 1)),
        g.parameter(`b${i}`, [channels], draw(channels, 1)),
        fixed(`m${i}`, 0),
        fixed(`v${i}`, 1),
      ],
      { training_mode: 1 },
      { outputs: 3 },
    );
    x = g.add(g.relu(normed!), x);
  }
  g.output(g.reduceMean(g.square(x), { keepdims: false }), "loss");
  return g.graph;
}
