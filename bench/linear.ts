// Whether cost grows as the work does: a step's time with its batch, by net, and the time to build a step with the number of its forward
// nodes. CPU time of one thread, the least of several rounds that take turns. Run with: node bench/linear.mjs [--rounds N] [--build] [--steps]
import { parseArgs } from "node:util";
import type { Graph } from "../worker/onnx/graph.ts";
import { encodeModel } from "../worker/onnx/proto.ts";
import { Builder, type Value } from "../worker/ops/builder.ts";
import { seeded } from "../worker/ops/samples.ts";
import { OrtEngine } from "../worker/run/onnxruntime.ts";
import { float32, int64, sizeOf, type Tensor } from "../worker/tensor.ts";
import { trainingStep } from "../worker/train/step.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    build: { type: "boolean", default: false },
    steps: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const random = seeded(1);

function maker(name: string) {
  const g = new Builder(name);
  const weights = (called: string, dims: number[]) => {
    const bound = 1 / Math.sqrt(sizeOf(dims.slice(1)));
    return g.parameter(
      called,
      dims,
      Float32Array.from({ length: sizeOf(dims) }, () => (random() * 2 - 1) * bound),
    );
  };
  const linear = (x: Value, called: string, from: number, to: number) =>
    g.add(g.matmul(x, weights(called, [from, to])), g.parameter(`${called}.b`, [to], new Float32Array(to)));
  const norm = (x: Value, called: string, n: number) => g.layerNorm(x, g.parameter(called, [n], new Float32Array(n).fill(1)));
  return { g, weights, linear, norm };
}

const classes = (g: Builder, logits: Value): Graph => {
  g.output(g.op("SoftmaxCrossEntropyLoss", [logits, g.input("y", "int64", ["N"])]), "loss");
  return g.graph;
};
const floats = (...dims: number[]) =>
  float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => random() * 2 - 1),
  );
const ids = (below: number, ...dims: number[]) =>
  int64(
    dims,
    Array.from({ length: sizeOf(dims) }, () => Math.floor(random() * below)),
  );

const nets: Record<string, { graph: Graph; batch(n: number): Record<string, Tensor> }> = {};
{
  const { g, linear } = maker("mlp");
  const h = g.relu(linear(g.input("x", "float32", ["B", 256]), "a", 256, 512));
  const logits = linear(g.relu(linear(h, "b", 512, 256)), "out", 256, 10);
  nets["mlp 256-512-256-10"] = { graph: classes(g, logits), batch: (n) => ({ x: floats(n, 256), y: ids(10, n) }) };
}
{
  const { g, weights, linear } = maker("convnet");
  let x = g.relu(g.op("Conv", [g.input("x", "float32", ["B", 3, 16, 16]), weights("a", [16, 3, 3, 3])], { pads: [1, 1, 1, 1] }));
  x = g.op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
  x = g.relu(g.op("Conv", [x, weights("b", [32, 16, 3, 3])], { pads: [1, 1, 1, 1] }));
  const logits = linear(g.reduceMean(x, { axes: [2, 3], keepdims: false }), "out", 32, 10);
  nets["convnet 3×16²-16-32-10"] = { graph: classes(g, logits), batch: (n) => ({ x: floats(n, 3, 16, 16), y: ids(10, n) }) };
}
{
  const [words, width, heads, time] = [64, 64, 4, 32];
  const { g, weights, linear, norm } = maker("gpt");
  const future = Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? -1e9 : 0));
  let x = g.add(g.gather(weights("words", [words, width]), g.input("x", "int64", ["B", time])), weights("places", [time, width]));
  for (const name of ["h0", "h1"]) {
    const [q, k, v] = g
      .split(linear(norm(x, `${name}.n1`, width), `${name}.qkv`, width, 3 * width), [width, width, width], { axis: 2 })
      .map((part) => g.transpose(g.reshape(part, ["B", time, heads, width / heads]), [0, 2, 1, 3])) as [Value, Value, Value];
    const scores = g.mul(g.matmul(q, g.swapLast(k)), 1 / Math.sqrt(width / heads));
    const mixed = g.matmul(g.softmax(g.add(scores, g.constant(float32([time, time], future), "future"))), v);
    x = g.add(x, linear(g.reshape(g.transpose(mixed, [0, 2, 1, 3]), ["B", time, width]), `${name}.out`, width, width));
    x = g.add(x, linear(g.gelu(linear(norm(x, `${name}.n2`, width), `${name}.up`, width, 4 * width)), `${name}.down`, 4 * width, width));
  }
  const logits = g.reshape(linear(norm(x, "last", width), "head", width, words), [-1, words]);
  nets["gpt 2×64, 32 tokens"] = { graph: classes(g, logits), batch: (n) => ({ x: ids(words, n, time), y: ids(words, n * time) }) };
}

const cpu = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

/** How far each is from the line a + b·x that lies nearest in relative terms, as a share of the line. */
function offLine(xs: readonly number[], ys: readonly number[]): { a: number; b: number; off: number[] } {
  const w = ys.map((y) => 1 / y ** 2);
  const sum = (f: (i: number) => number) => xs.reduce((s, _, i) => s + w[i]! * f(i), 0);
  const [n, sx, sy, sxx, sxy] = [
    sum(() => 1),
    sum((i) => xs[i]!),
    sum((i) => ys[i]!),
    sum((i) => xs[i]! ** 2),
    sum((i) => xs[i]! * ys[i]!),
  ];
  const b = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  const a = (sy - b * sx) / n;
  return { a, b, off: xs.map((x, i) => ys[i]! / (a + b * x) - 1) };
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

if (!values.build) {
  const batches = [16, 32, 64, 128, 256];
  const engine = new OrtEngine("cpu", { threads: 1 });
  for (const [name, { graph, batch }] of Object.entries(nets)) {
    const session = await engine.train(trainingStep(graph, { loss: "loss", optimizer: { name: "adamw" } }), undefined);
    const least = batches.map(() => Infinity);
    const feeds = batches.map(batch);
    for (let round = 0; round < rounds + 1; round++)
      for (const [i, n] of batches.entries()) {
        const steps = Math.max(2, Math.round(256 / n));
        await session.step(feeds[i]!, 1e-3); // the runtime lays out its memory for this size
        const since = process.cpuUsage();
        for (let s = 0; s < steps; s++) await session.step(feeds[i]!, 1e-3);
        if (round > 0) least[i] = Math.min(least[i]!, cpu(since) / steps);
      }
    await session.dispose();
    const { a, b, off } = offLine(batches, least);
    console.log(`${name}: ${a.toFixed(2)} ms + ${(b * 1000).toFixed(1)} µs a row`);
    console.table(batches.map((n, i) => ({ batch: n, "cpu ms": Number(least[i]!.toFixed(2)), "off the line": percent(off[i]!) })));
  }
  await engine.dispose();
}

if (!values.steps) {
  const sizes = [1000, 2000, 5000, 10_000];
  const rows = sizes.map((nodes) => ({ nodes, ms: Infinity, made: 0 }));
  for (let round = 0; round < Math.min(rounds, 3) + 1; round++)
    for (const row of rows) {
      const { g, linear } = maker("chain");
      let x = g.input("x", "float32", ["B", 8]);
      for (let i = 0; i < row.nodes / 3; i++) x = g.relu(linear(x, `h${i}`, 8, 8));
      const graph = classes(g, x);
      const since = process.cpuUsage();
      const step = trainingStep(graph, { loss: "loss", optimizer: { name: "adamw" } });
      encodeModel(step.graph);
      if (round > 0) row.ms = Math.min(row.ms, cpu(since));
      row.made = step.graph.nodes.length;
    }
  const { off } = offLine(sizes, rows.map((r) => r.ms)); // prettier-ignore
  console.log("building a step of a chain of layers, and its file");
  console.table(
    rows.map(({ nodes, ms, made }, i) => ({
      "forward nodes": nodes,
      "nodes of the step": made,
      "cpu ms": Math.round(ms),
      "µs a node": Number(((1000 * ms) / nodes).toFixed(1)),
      "off the line": percent(off[i]!),
    })),
  );
}
