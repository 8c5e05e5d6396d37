// The same gradients whether lengths are known beforehand or only when the graph runs.
import { afterAll, expect, test } from "vitest";
import type { Dim } from "../../worker/onnx/graph.ts";
import { Builder, type Plain, type Value } from "../../worker/ops/builder.ts";
import { drawInputs, type Gen, ids, list, normal } from "../../worker/ops/samples.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { isFloat, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradients } from "../../worker/train/gradient.ts";
import { distance } from "./check.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

/** Gradients of Σ y², with the lengths of `dims` (by input; numbers where absent). */
async function run(
  type: string,
  inputs: readonly Gen[],
  attrs: Record<string, Plain>,
  outputs: number,
  dims: readonly (readonly Dim[] | undefined)[],
): Promise<number[][]> {
  const g = new Builder(type);
  const feeds: Record<string, Tensor> = {};
  const values = drawInputs({ inputs }, "float32").map((t, i) => {
    if (inputs[i]!.constant) return g.constant(t!);
    feeds[`x${i}`] = t!;
    return g.input(`x${i}`, t!.dtype, dims[i] ?? t!.dims);
  });
  const floats = g.op(type, values, attrs, { outputs }).filter((y) => isFloat(y.dtype));
  const loss = floats.map((y): Value => g.reduceSum(g.square(y), { keepdims: false })).reduce((a, b) => g.add(a, b));
  const wrt = values.filter((v) => isFloat(v.dtype)).map((v) => v.name);
  for (const [name, dx] of gradients(g, loss, wrt)) {
    expect(dx.dims, name).toEqual(g.value(name).dims);
    g.output(dx, `grad:${name}`);
  }
  const session = await engine.load(g.graph);
  const out = await session.run(feeds);
  await session.dispose();
  return wrt.map((name) => toNumbers(out[`grad:${name}`]!));
}

const series = (gates: number, units: number) => [normal(3, 2, 2), normal(2, gates * units, 2), normal(2, gates * units, units), normal(2, 2 * gates * units), ids([3, 2], [2], "int32")]; // prettier-ignore
const both = { hidden_size: 2, direction: "bidirectional" };
const sequence: Dim[][] = [[3, "B", 2]];
const cases: [string, readonly Gen[], Record<string, Plain>, number, (readonly Dim[] | undefined)[]][] = [
  ["LSTM", series(4, 2), both, 3, [...sequence, undefined, undefined, undefined, ["B"]]],
  ["GRU", series(3, 2), both, 2, [...sequence, undefined, undefined, undefined, ["B"]]],
  ["RNN", series(1, 2), both, 2, [...sequence, undefined, undefined, undefined, ["B"]]],
  ["Einsum", [normal(2, 3, 2, 3), normal(2, 2, 2, 3)], { equation: "bthd,bshd->bhts" }, 1, [["B", "T", 2, 3], ["B", "S", 2, 3]]], // prettier-ignore
  ["Einsum", [normal(2, 3, 4), normal(4, 5)], { equation: "...i,ij->...j" }, 1, [["B", "T", 4]]],
  ["GatherND", [normal(2, 3, 2), ids([1, 0, 2, 2], [2, 2, 1])], { batch_dims: 1 }, 1, [["B", 3, 2], ["B", 2, 1]]], // prettier-ignore
  ["SoftmaxCrossEntropyLoss", [normal(4, 3), ids([0, 2, 1, 2])], { ignore_index: 2 }, 1, [["B", "C"], ["B"]]],
  ["Slice", [normal(4, 3), list([1]), list([Infinity])], {}, 1, [["B", 3]]],
  ["Slice", [normal(4, 3), list([-3, 0]), list([-1, 2]), list([0, 1])], {}, 1, [["B", "T"]]],
  ["Slice", [normal(2, 5), list([-1]), list([-Infinity]), list([1]), list([-1])], {}, 1, [["B", "T"]]],
  ["Slice", [normal(2, 5, 2), list([1]), list([100]), list([1]), list([2])], {}, 1, [["B", "T", 2]]],
  ["NegativeLogLikelihoodLoss", [normal(4, 3), ids([0, 2, 1, 2])], { ignore_index: 2 }, 1, [["B", 3], ["B"]]],
];

for (const [type, inputs, attrs, outputs, dims] of cases)
  test(`${type} ${typeof attrs["equation"] === "string" ? attrs["equation"] : ""}`, async () => {
    const free = await run(type, inputs, attrs, outputs, dims);
    const fixed = await run(type, inputs, attrs, outputs, []);
    free.forEach((dx, i) => expect(distance(dx, fixed[i]!)).toBeLessThan(1e-6));
  });
