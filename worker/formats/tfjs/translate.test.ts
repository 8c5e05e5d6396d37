// Graphs of ours and the same ones as TensorFlow.js' own loader runs them.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AppError } from "../../../ipc/error.ts";
import { Builder, type Value } from "../../ops/builder.ts";
import { Random } from "../../random.ts";
import { openEngine } from "../../run/engine.ts";
import { openPageModel } from "../../run/tfjs.ts";
import { float32, int64, sizeOf, tensor, type Tensor, toNumbers } from "../../tensor.ts";
import { entries } from "./operators.ts";
import { translate } from "./translate.ts";

const engine = await openEngine("cpu", { threads: 1 });
const folder = await mkdtemp(join(tmpdir(), "paddock-tfjs-"));
afterAll(() => Promise.all([engine.dispose(), rm(folder, { recursive: true, force: true })]));

const random = new Random(5, "tfjs");
const normal = (...dims: number[]) =>
  float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => random.normal()),
  );

type Feeds = Record<string, Tensor>;
const image = (g: Builder, c: number, size: number) => g.input("x", "float32", ["B", c, size, size]);
const table = (g: Builder, width = 6) => g.input("x", "float32", ["B", width]);

const cases: Record<string, [(g: Builder) => Value, Feeds]> = {
  "sums, products, powers and functions": [
    (g) => {
      const x = table(g);
      const a = g.div(g.sub(g.mul(g.add(x, 2), 0.5), 1), g.add(g.abs(x), 1));
      const b = [g.exp(a), g.log(g.add(g.abs(x), 1)), g.sqrt(g.abs(x)), g.cos(x), g.sin(x), g.tanh(x), g.sigmoid(x), g.relu(x), g.erf(x)];
      const c = [g.gelu(x), g.gelu(x, "tanh"), g.softplus(x), g.leakyRelu(x, 0.3), g.elu(x), g.reciprocal(g.add(g.square(x), 1)), g.neg(x)];
      const d = [
        g.pow(g.abs(x), 1.5),
        g.max(x, 0.25),
        g.min(x, 0.25),
        g.floor(x),
        g.ceil(x),
        g.op("HardSwish", [x]),
        g.op("HardSigmoid", [x]),
      ];
      return [...b, ...c, ...d].reduce((sum, v) => g.add(g.mul(sum, 0.9), v));
    },
    { x: normal(4, 6) },
  ],
  "choices, comparisons, missing numbers and bounds": [
    (g) => {
      const x = table(g);
      const known = g.where(g.or(g.isNaN(x), g.isInf(x)), g.scalar(0.5), x);
      const high = g.and(g.greaterOrEqual(known, 0), g.not(g.less(known, 0.3)));
      return g.add(g.clip(known, -1, 1), g.cast(high, "float32"));
    },
    { x: float32([2, 6], [NaN, Infinity, 1, -3, 0.2, 0.4, -Infinity, 0, 2, -0.1, 0.3, NaN]) },
  ],
  "products: plain, of many matrices, Gemm with its factors": [
    (g) => {
      const x = table(g);
      const many = g.matmul(
        g.matmul(g.mul(g.unsqueeze(x, [0]), g.constant(normal(3, 1, 6))), g.constant(normal(6, 5))),
        g.constant(normal(3, 5, 4)),
      );
      const mean = g.reduceMean(many, { axes: [0], keepdims: false });
      return g.gemm(mean, g.constant(normal(7, 4)), g.constant(normal(7)), { transB: 1, alpha: 0.5, beta: 2 });
    },
    { x: normal(4, 6) },
  ],
  "shapes: reshape, transpose, slices, parts, borders, repeats": [
    (g) => {
      const x = g.reshape(table(g, 12), ["B", 3, 4]);
      const t = g.transpose(x, [0, 2, 1]); // (B, 4, 3)
      const [a, b] = g.split(t, [1, 3], { axis: 1 });
      const s = g.slice(t, { starts: [1, -1], ends: [4, -4], axes: [1, 2], steps: [2, -1] });
      const p = g.pad(g.concat([a!, b!], { axis: 1 }), [{ axis: 2, before: 1, after: 2 }], 0.5);
      const sums = [
        g.reduceSum(s, { axes: [1, 2] }),
        g.reduceMax(p, { axes: [1, 2] }),
        g.reduceMin(g.tile(a!, [1, 2, 2]), { axes: [1, 2] }),
      ];
      return g.squeeze(g.concat(sums, { axis: 2 }), [1]);
    },
    { x: normal(3, 12) },
  ],
  "softmax along any axis, norms": [
    (g) => {
      const x = g.reshape(table(g, 12), ["B", 3, 4]);
      const even = g.layerNorm(g.softmax(x, { axis: 1 }), g.constant(normal(4)), g.constant(normal(4)));
      return g.reduceSum(g.mul(even, g.logSoftmax(x)), { axes: [1], keepdims: false });
    },
    { x: normal(3, 12) },
  ],
  "look-ups by whole numbers": [
    (g) => {
      const ids = g.input("x", "int64", ["B", 3]);
      const found = g.gather(g.constant(normal(20, 4), "table"), g.add(ids, g.list([0, 5, 10])));
      return g.add(
        g.reduceSum(found, { axes: [1], keepdims: false }),
        g.cast(g.mod(g.gather(ids, g.list([1]), { axis: 1 }), g.scalar(3, "int64")), "float32"),
      );
    },
    { x: int64([2, 3], [0, 4, 2, 3, 1, 9]) },
  ],
  "convolutions: strides, borders, by channel, in groups, and what follows": [
    (g) => {
      const conv = (x: Value, dims: number[], attrs: Record<string, number | number[]>) =>
        g.op("Conv", [x, g.constant(normal(...dims)), g.constant(normal(dims[0]!))], attrs);
      const stem = g.relu(conv(image(g, 3, 9), [8, 3, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }));
      const each = g.clip(conv(stem, [8, 1, 3, 3], { group: 8, pads: [1, 1, 1, 1] }), 0, 6);
      const groups = conv(each, [8, 4, 1, 1], { group: 2 });
      const stats = [1, 2, 3].map(() => g.constant(normal(8)));
      const even = g.op("BatchNormalization", [groups, ...stats, g.constant(float32([8], new Float32Array(8).fill(0.7)))]);
      const sum = g.add(g.mul(even, g.constant(normal(1, 8, 1, 1))), each);
      const mean = g.op("GlobalAveragePool", [sum]);
      return g.reshape(g.mul(sum, g.sigmoid(mean)), ["B", 8 * 5 * 5]);
    },
    { x: normal(2, 3, 9, 9) },
  ],
  "pools, with borders that count and that do not": [
    (g) => {
      const x = image(g, 4, 7);
      const shape = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
      const all = [
        g.op("MaxPool", [x], shape),
        g.op("AveragePool", [x], shape),
        g.op("AveragePool", [x], { ...shape, count_include_pad: 1 }),
      ];
      return g.op("GlobalMaxPool", [g.concat(all, { axis: 1 })]);
    },
    { x: normal(2, 4, 7, 7) },
  ],
};

test.each(Object.keys(cases))("%s", async (name) => {
  const [build, feeds] = cases[name]!;
  const g = new Builder("graph");
  g.output(build(g), "y");
  const session = await engine.load(g.graph);
  const { y } = await session.run(feeds);
  await session.dispose();

  const def = translate(g.graph, { inputs: new Map([["x", "x"]]), outputs: ["y"], entries });
  for (const [file, content] of def.files({})) await writeFile(join(folder, file), content);
  const model = await openPageModel(folder);
  const x = feeds["x"]!;
  const whole = x.dtype === "int64";
  const data = whole ? Int32Array.from(toNumbers(x)) : (x.data as Float32Array);
  const found = await model.run([{ name: "x", dtype: whole ? "int32" : "float32", shape: [...x.dims], data }]);
  model.dispose();
  const wanted = y!.data as Float32Array;
  expect(found.length).toBe(wanted.length);
  for (const [i, value] of wanted.entries())
    expect(Math.abs(found[i]! - value), `element ${i}`).toBeLessThan(2e-5 * Math.max(1, Math.abs(value)));
});

test("what cannot be expressed is refused by its name", () => {
  const refused = (build: (g: Builder, x: Value) => Value) => {
    const g = new Builder("graph");
    g.output(build(g, g.input("x", "float32", ["B", 4])), "y");
    try {
      translate(g.graph, { inputs: new Map([["x", "x"]]), outputs: ["y"], entries });
    } catch (thrown) {
      return AppError.from(thrown).toRecord();
    }
    return undefined;
  };
  expect(refused((g, x) => g.cumSum(x, 1))).toMatchObject({ code: "exportUnsupported", data: { operator: "CumSum" } });
  const far = tensor("int64", [1], BigInt64Array.of(2n ** 40n));
  expect(refused((g, x) => g.add(x, g.cast(g.add(g.cast(x, "int64"), g.constant(far)), "float32")))).toMatchObject({
    code: "exportUnsupported",
    message: expect.stringContaining("1099511627776") as string,
  });
});
