// Small nets of each kind with their batches: what engines are held against each other on.
import { readFileSync } from "node:fs";
import { trainingGraph, answeringGraph, modelOf, type NetSpec } from "../../worker/models/index.ts";
import { resolveConfig } from "../../worker/models/model.ts";
import { check, sortNodes } from "../../worker/onnx/check.ts";
import { type Graph, opset } from "../../worker/onnx/graph.ts";
import { decodeModel } from "../../worker/onnx/proto.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { inferGraph } from "../../worker/ops/infer.ts";
import { seeded } from "../../worker/ops/samples.ts";
import { tasks } from "../../worker/tasks/index.ts";
import { float32, fromNumbers, int64, type Tensor } from "../../worker/tensor.ts";

export interface Case {
  /** With the output `loss`. */
  forward: Graph;
  /** Without dropout; the same parameters. */
  judge?: Graph;
  batch: Record<string, Tensor>;
}

const drawn = (random: () => number, count: number): number[] => Array.from({ length: count }, () => random() * 2 - 1);

/** The table model: members, waves, embeddings of two sizes, dropout. */
export function tableNet(task: "regression" | "classification"): Case {
  const numeric = 3;
  const categories = [5, 21];
  const outputs = task === "regression" ? 1 : 3;
  const facts = { task, rows: 1000, numeric, categories, outputs };
  const config = resolveConfig(modelOf("mlp"), { width: 16, depth: 2, members: 2, dropout: 0.2, waves: 3 }, facts);
  const net: NetSpec = { model: "mlp", config, numeric, categories, outputs, seed: 5 };
  const random = seeded(9);
  const rows = 24;
  return {
    forward: trainingGraph(net, tasks[task]),
    judge: answeringGraph(net, tasks[task]),
    batch: {
      x: float32([rows, numeric], drawn(random, rows * numeric)),
      codes: int64([rows, 2], Array.from({ length: rows }, () => categories.map((n) => Math.floor(random() * n))).flat()), // prettier-ignore
      y: task === "regression" ? float32([rows, 1], drawn(random, rows)) : int64([rows], Array.from({ length: rows }, () => Math.floor(random() * 3))), // prettier-ignore
    },
  };
}

/** Convolution, batch normalisation, pooling; a depthwise one; classes. */
export function convNet(): Case {
  const random = seeded(4);
  const g = new Builder("convnet");
  const weight = (name: string, dims: number[], size: number) =>
    g.parameter(name, dims, Float32Array.from(drawn(random, dims.reduce((a, b) => a * b, 1)), (v) => v * size)); // prettier-ignore
  const full = (name: string, n: number, value: number) => g.parameter(name, [n], new Float32Array(n).fill(value));
  const normed = (x: Value, name: string, n: number): Value => {
    const statistics = [0, 1].map((v) => g.constant(float32([n], new Float32Array(n).fill(v)), `${name}.${v ? "variance" : "mean"}`));
    const inputs = [x, full(`${name}.scale`, n, 1), full(`${name}.bias`, n, 0), ...statistics];
    return g.op("BatchNormalization", inputs, { training_mode: 1, momentum: 0.9 }, { outputs: 3 })[0]!;
  };
  let x = g.input("x", "float32", ["B", 3, 8, 8]);
  x = g.op("Conv", [x, weight("c0", [6, 3, 3, 3], 0.3)], { pads: [1, 1, 1, 1] });
  x = g.op("MaxPool", [g.relu(normed(x, "n0", 6))], { kernel_shape: [2, 2], strides: [2, 2] });
  x = g.op("Conv", [x, weight("c1", [6, 1, 3, 3], 0.5), full("b1", 6, 0)], { pads: [1, 1, 1, 1], group: 6 });
  x = g.op("Conv", [g.silu(x), weight("c2", [8, 6, 3, 3], 0.3)], { strides: [2, 2], pads: [1, 1, 1, 1] });
  x = g.reshape(g.op("GlobalAveragePool", [g.relu(normed(x, "n1", 8))]), [-1, 8]);
  x = g.add(g.matmul(x, weight("w", [8, 4], 0.5)), full("b", 4, 0));
  g.output(g.op("SoftmaxCrossEntropyLoss", [x, g.input("y", "int64", ["B"])]), "loss");
  const rows = 6;
  return {
    forward: g.graph,
    batch: { x: float32([rows, 3, 8, 8], drawn(random, rows * 192)), y: int64([rows], [0, 3, 1, 2, 2, 0]) },
  };
}

/** A net as PyTorch exports it, all its weights trained, with the batch of its reference. */
export function foreignNet(name: "lstm" | "gru" | "gpt"): Case {
  const at = (ext: string) => new URL(`../references/sequences/${name}.${ext}`, import.meta.url);
  const reference = JSON.parse(readFileSync(at("json"), "utf8")) as {
    inputs: Record<string, number[]>;
    gradients: Record<string, number[]>;
  };
  const forward = decodeModel(readFileSync(at("onnx")));
  sortNodes(forward);
  check(forward);
  forward.opsets.set("", opset); // nothing that these files use has changed from 18 to 21
  forward.setParameters(Object.keys(reference.gradients));
  inferGraph(forward);
  const batch = forward.inputs.map(({ name: input, dtype, dims }) => [
    input,
    fromNumbers(dtype, dims as number[], reference.inputs[input]!),
  ]);
  return { forward, batch: Object.fromEntries(batch) as Record<string, Tensor> };
}

/** Two layers with dropout between: for what must be done many times. */
export function tinyNet(): Case {
  const random = seeded(6);
  const g = new Builder("tiny");
  const weight = (name: string, dims: number[]) => g.parameter(name, dims, Float32Array.from(drawn(random, dims[0]! * dims[1]!)));
  const h = g.dropout(g.tanh(g.matmul(g.input("x", "float32", ["B", 4]), weight("h.weight", [4, 6]))), 0.3);
  const out = g.add(g.matmul(h, weight("out.weight", [6, 2])), g.parameter("out.bias", [2], new Float32Array(2)));
  g.output(g.reduceMean(g.square(g.sub(out, g.input("y", "float32", ["B", 2]))), { keepdims: false }), "loss");
  return { forward: g.graph, batch: { x: float32([8, 4], drawn(random, 32)), y: float32([8, 2], drawn(random, 16)) } };
}
