// One case of bench/build.mjs, in a process of its own: prints {seconds, before, after, megabytes}.
import { writeFileSync } from "node:fs";
import { readGraph } from "../worker/formats/onnx.ts";
import { encodeModel } from "../worker/onnx/proto.ts";
import { Builder, type Value } from "../worker/ops/builder.ts";
import { writeStep } from "../worker/train/graphFiles.ts";

const weights = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => Math.sin(i) / 10);

/** x ↦ tanh(x · w + b), over and over, until there are so many nodes. */
function chain(nodes: number): Builder {
  const g = new Builder("chain");
  let x = g.input("x", "float32", ["B", 4]);
  for (let i = 0; g.graph.nodes.length < nodes - 1; i++)
    x = g.tanh(g.add(g.matmul(x, g.parameter(`w${i}`, [4, 4], weights(16))), g.parameter(`b${i}`, [4], weights(4))));
  g.output(g.reduceMean(x, { keepdims: false }), "loss");
  return g;
}

/** Causal attention and a wide layer in each block; lengths B and T stay open. */
function transformer(layers: number, width = 64, heads = 4): Builder {
  const g = new Builder("transformer");
  const linear = (x: Value, name: string, from: number, to: number) =>
    g.add(g.matmul(x, g.parameter(`${name}.w`, [from, to], weights(from * to))), g.parameter(`${name}.b`, [to], weights(to)));
  const norm = (x: Value, name: string) => g.layerNorm(x, g.parameter(`${name}.s`, [width], weights(width)), g.parameter(`${name}.b`, [width], weights(width))); // prettier-ignore
  const ids = g.input("ids", "int64", ["B", "T"]);
  const mask = g.input("mask", "float32", ["T", "T"]);
  let x = g.gather(g.parameter("table", [100, width], weights(100 * width)), ids); // (B, T, C)
  for (let i = 0; i < layers; i++) {
    const n = norm(x, `${i}.norm1`);
    const parted = (name: string) =>
      g.transpose(g.reshape(linear(n, `${i}.${name}`, width, width), g.list([0, 0, heads, width / heads])), [0, 2, 1, 3]);
    const [q, k, v] = ["q", "k", "v"].map(parted) as [Value, Value, Value];
    const scores = g.add(g.mul(g.matmul(q, g.transpose(k, [0, 1, 3, 2])), 1 / Math.sqrt(width / heads)), mask);
    const mixed = g.transpose(g.matmul(g.softmax(scores), v), [0, 2, 1, 3]);
    x = g.add(x, linear(g.reshape(mixed, g.list([0, 0, width])), `${i}.o`, width, width));
    const up = linear(norm(x, `${i}.norm2`), `${i}.up`, width, 4 * width);
    const half = g.mul(up, 0.5);
    x = g.add(x, linear(g.mul(half, g.add(g.erf(g.mul(up, Math.SQRT1_2)), 1)), `${i}.down`, 4 * width, width));
  }
  g.output(g.reduceMean(g.square(norm(x, "norm")), { keepdims: false }), "loss");
  return g;
}

const [what, out] = process.argv.slice(2) as [string, string];
const own = /^(chain|transformer) (\d+)$/.exec(what);
const model = own ? `${out}.model` : what;
if (own) writeFileSync(model, encodeModel((own[1] === "chain" ? chain : transformer)(Number(own[2])).graph));
const before = readGraph(model).nodes.length;
const began = process.cpuUsage();
const { nodes: after } = await writeStep({ model, loss: "loss", optimizer: "adamw", settings: {}, out });
const { user, system } = process.cpuUsage(began);
const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ seconds: (user + system) / 1e6, before, after, megabytes }));
