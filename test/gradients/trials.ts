// Small nets of the three kinds that are trained everywhere, and twenty steps of each: what devices are held against each other with.
import { netBatch, netForward } from "../../bench/nets.ts";
import type { Graph } from "../../worker/onnx/graph.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { seeded } from "../../worker/ops/samples.ts";
import type { Engine } from "../../worker/run/engine.ts";
import { float32, int64, type Tensor, toNumbers } from "../../worker/tensor.ts";
import type { OptimizerSpec } from "../../worker/train/optimizer.ts";
import { trainingStep } from "../../worker/train/step.ts";
import { inferenceGraph, smallNet } from "./steps.ts";

export interface Trial {
  forward(): Graph;
  feeds: Record<string, Tensor>;
  optimizer: OptimizerSpec;
  lr: number;
  /** What is asked of the net after training: a graph whose output is `out`. */
  answer?: Graph;
}

/** A builder whose weights are drawn in order, and vectors of one number. */
function maker(name: string) {
  const g = new Builder(name);
  const random = seeded(9);
  const weights = (called: string, dims: number[], bound = 1 / Math.sqrt(dims.slice(1).reduce((a, b) => a * b, 1))) =>
    g.parameter(
      called,
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (random() * 2 - 1) * bound),
    );
  const filled = (called: string, n: number, value: number) => g.parameter(called, [n], new Float32Array(n).fill(value));
  return { g, weights, filled };
}

const drawn = (seed: number, n: number): number[] => {
  const random = seeded(seed);
  return Array.from({ length: n }, () => random() * 2 - 1);
};

/** Conv, batch normalisation with running statistics, MaxPool, a strided Conv, group normalisation, a linear head. */
function convnet(): Graph {
  const { g, weights, filled } = maker("convnet");
  let x = g.op("Conv", [g.input("x", "float32", ["B", 2, 8, 8]), weights("c1", [4, 2, 3, 3]), filled("c1.b", 4, 0)], {
    pads: [1, 1, 1, 1],
  });
  const statistics = [0, 1].map((value, i) => g.constant(float32([4], [value, value, value, value]), `running${i}`));
  [x] = g.op(
    "BatchNormalization",
    [x, filled("n1.s", 4, 1), filled("n1.b", 4, 0), ...statistics],
    { training_mode: 1 },
    { outputs: 3 },
  ) as [Value];
  x = g.op("MaxPool", [g.relu(x)], { kernel_shape: [2, 2], strides: [2, 2] });
  x = g.op("Conv", [x, weights("c2", [6, 4, 3, 3])], { strides: [2, 2], pads: [1, 1, 1, 1] });
  x = g.relu(g.op("GroupNormalization", [x, filled("n2.s", 6, 1), filled("n2.b", 6, 0)], { num_groups: 2 }));
  x = g.gemm(g.reshape(x, ["B", 24]), weights("out", [3, 24]), filled("out.b", 3, 0), { transB: 1 });
  g.output(g.op("SoftmaxCrossEntropyLoss", [x, g.input("y", "int64", ["B"])]), "loss");
  return g.graph;
}

/**
 * Two blocks of causal attention with two heads, 16 wide, over six words of twelve; the head is the embedding. Keys have no bias: its
 * gradient is zero, so that rounding alone would decide its steps.
 */
function gpt(): Graph {
  const [words, width, heads, time] = [12, 16, 2, 6];
  const { g, weights, filled } = maker("gpt");
  const embedding = weights("words", [words, width], 0.5);
  const tokens = g.input("x", "int64", ["B", time]);
  const future = g.constant(
    float32(
      [time, time],
      Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? -1e9 : 0)),
    ),
    "future",
  );
  const norm = (x: Value, name: string) => g.layerNorm(x, filled(`${name}.s`, width, 1), filled(`${name}.b`, width, 0));
  const linear = (x: Value, name: string, from: number, to: number) =>
    g.add(g.matmul(x, weights(name, [from, to], 1 / Math.sqrt(from))), filled(`${name}.b`, to, 0));
  let x = g.add(g.gather(embedding, tokens), weights("places", [time, width], 0.3));
  for (const name of ["h0", "h1"]) {
    const [q, k, v] = g
      .split(g.matmul(norm(x, `${name}.n1`), weights(`${name}.qkv`, [width, 3 * width], 0.25)), [width, width, width], { axis: 2 })
      .map((part) => g.transpose(g.reshape(part, ["B", time, heads, width / heads]), [0, 2, 1, 3])) as [Value, Value, Value];
    const scores = g.softmax(g.add(g.mul(g.matmul(q, g.swapLast(k)), 1 / Math.sqrt(width / heads)), future));
    const mixed = g.reshape(g.transpose(g.matmul(scores, v), [0, 2, 1, 3]), ["B", time, width]);
    x = g.add(x, linear(mixed, `${name}.out`, width, width));
    x = g.add(x, linear(g.gelu(linear(norm(x, `${name}.n2`), `${name}.up`, width, 4 * width)), `${name}.down`, 4 * width, width));
  }
  const logits = g.reshape(g.matmul(norm(x, "last"), g.transpose(embedding, [1, 0])), [-1, words]);
  g.output(g.op("SoftmaxCrossEntropyLoss", [logits, g.reshape(g.input("y", "int64", ["B", time]), [-1])]), "loss");
  return g.graph;
}

const ids = (seed: number, n: number, below: number) => drawn(seed, n).map((v) => Math.floor(((v + 1) / 2) * below));

export const trials: Record<"mlp" | "convnet" | "gpt", Trial> = {
  mlp: {
    forward: () => netForward(smallNet),
    feeds: netBatch(smallNet),
    optimizer: { name: "adamw" },
    lr: 1e-2,
    answer: inferenceGraph(smallNet),
  },
  convnet: {
    forward: convnet,
    feeds: { x: float32([6, 2, 8, 8], drawn(1, 768)), y: int64([6], ids(2, 6, 3)) },
    optimizer: { name: "momentum" },
    lr: 0.05,
  },
  gpt: {
    forward: gpt,
    feeds: { x: int64([3, 6], ids(3, 18, 12)), y: int64([3, 6], ids(4, 18, 12)) },
    optimizer: { name: "adam" },
    lr: 3e-3,
  },
};

/** Losses of twenty steps, the states after them, and what the net then answers. */
export async function curve(
  engine: Engine,
  trial: Trial,
): Promise<{ losses: number[]; states: Record<string, number[]>; answer: number[] }> {
  const { optimizer, feeds, lr, answer } = trial;
  const step = trainingStep(trial.forward(), { loss: "loss", optimizer, device: engine.id, seed: 11 });
  const session = await engine.train(step, answer);
  const losses: number[] = [];
  for (let i = 0; i < 20; i++) losses.push(Number((await session.step(feeds, lr))["loss"]!.data[0]));
  const states = Object.fromEntries([...(await session.read())].map(([name, value]) => [name, toNumbers(value)]));
  const said = answer ? toNumbers((await session.evaluate(feeds))["out"]!) : [];
  await session.dispose();
  return { losses, states, answer: said };
}
