// The nets whose steps are timed: an image classifier's MLP, and nets of the sizes that tables need.
import type { Graph } from "../worker/onnx/graph.ts";
import { Builder, type Value } from "../worker/ops/builder.ts";
import { seeded } from "../worker/ops/samples.ts";
import { float32, int64, type Tensor } from "../worker/tensor.ts";
import { type StepGraph, trainingStep } from "../worker/train/step.ts";

export interface Net {
  name: string;
  widths: number[];
  batch: number;
  optimizer: "sgd" | "momentum" | "adam" | "adamw";
  activation?: "relu" | "silu" | "gelu";
  dropout?: number;
  norm?: boolean;
  /** Categories: embeddings of this many values each, 8 wide. */
  categories?: number[];
  /** Whether the last width is a number of classes. */
  classes: boolean;
}

export const nets: Net[] = [
  { name: "784-512-256-10 AdamW, batch 128", widths: [784, 512, 256, 10], batch: 128, optimizer: "adamw", classes: true },
  { name: "32-256-256-1 AdamW, batch 256", widths: [32, 256, 256, 1], batch: 256, optimizer: "adamw", classes: false },
  {
    name: "32-256-256-1 AdamW, batch 256, norm, silu, dropout",
    widths: [32, 256, 256, 1],
    batch: 256,
    optimizer: "adamw",
    activation: "silu",
    norm: true,
    dropout: 0.1,
    classes: false,
  },
  { name: "8-64-64-3 Adam, batch 32", widths: [8, 64, 64, 3], batch: 32, optimizer: "adam", classes: true },
  {
    name: "10-128-128-2 AdamW, batch 256, 8 categories",
    widths: [10, 128, 128, 2],
    batch: 256,
    optimizer: "adamw",
    categories: [9, 16, 7, 14, 6, 5, 42, 200],
    classes: true,
  },
];

/** The training step of a net, from seeded weights. */
export function netStep(net: Net): StepGraph {
  return trainingStep(netForward(net), { loss: "loss", optimizer: { name: net.optimizer }, seed: 11 });
}

/** The forward graph: inputs x, (codes,) y; outputs out and loss. */
export function netForward(net: Net): Graph {
  const random = seeded(3);
  const g = new Builder(net.name);
  const draw = (n: number, bound: number) => Float32Array.from({ length: n }, () => (random() * 2 - 1) * bound);
  const parts: Value[] = [g.input("x", "float32", ["B", net.widths[0]!])];
  if (net.categories) {
    const codes = g.input("codes", "int64", ["B", net.categories.length]);
    net.categories.forEach((n, i) =>
      parts.push(g.gather(g.parameter(`e${i}`, [n, 8], draw(n * 8, 0.3)), g.gather(codes, g.scalar(i, "int64"), { axis: 1 }))),
    );
  }
  let x = g.concat(parts, { axis: 1 });
  net.widths.slice(1).forEach((width, i) => {
    const fan = x.dims[1] as number;
    x = g.add(
      g.matmul(x, g.parameter(`w${i}`, [fan, width], draw(fan * width, 1 / Math.sqrt(fan)))),
      g.parameter(`b${i}`, [width], new Float32Array(width)),
    );
    if (i === net.widths.length - 2) return;
    if (net.norm)
      x = g.layerNorm(
        x,
        g.parameter(`s${i}`, [width], new Float32Array(width).fill(1)),
        g.parameter(`o${i}`, [width], new Float32Array(width)),
      );
    x = net.activation === "silu" ? g.silu(x) : net.activation === "gelu" ? g.gelu(x) : g.relu(x);
    x = g.dropout(x, net.dropout ?? 0);
  });
  const y = net.classes ? g.input("y", "int64", ["B"]) : g.input("y", "float32", ["B", 1]);
  g.output(x, "out");
  g.output(net.classes ? g.op("SoftmaxCrossEntropyLoss", [x, y]) : g.reduceMean(g.square(g.sub(x, y)), { keepdims: false }), "loss");
  return g.graph;
}

export function netBatch(net: Net): Record<string, Tensor> {
  const random = seeded(5);
  const numbers = (n: number) => Array.from({ length: n }, () => random() * 2 - 1);
  const feeds: Record<string, Tensor> = { x: float32([net.batch, net.widths[0]!], numbers(net.batch * net.widths[0]!)) };
  if (net.categories)
    feeds["codes"] = int64(
      [net.batch, net.categories.length],
      Array.from({ length: net.batch }, () => net.categories!.map((n) => Math.floor(random() * n))).flat(),
    );
  const classes = net.widths.at(-1)!;
  feeds["y"] = net.classes
    ? int64(
        [net.batch],
        Array.from({ length: net.batch }, () => Math.floor(random() * classes)),
      )
    : float32([net.batch, 1], numbers(net.batch));
  return feeds;
}
