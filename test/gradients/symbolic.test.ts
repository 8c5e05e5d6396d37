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
  inputs: readonly (Gen | undefined)[],
  attrs: Record<string, Plain>,
  outputs: number,
  dims: readonly (readonly Dim[] | undefined)[],
): Promise<number[][]> {
  const g = new Builder(type);
  const feeds: Record<string, Tensor> = {};
  const values = drawInputs({ inputs }, "float32").map((t, i) => {
    if (!t) return undefined;
    if (inputs[i]!.constant && !dims[i]) return g.constant(t);
    feeds[`x${i}`] = t;
    return g.input(`x${i}`, t.dtype, dims[i] ?? t.dims);
  });
  const floats = g.op(type, values, attrs, { outputs }).filter((y) => isFloat(y.dtype));
  const loss = floats.map((y): Value => g.reduceSum(g.square(y), { keepdims: false })).reduce((a, b) => g.add(a, b));
  const wrt = values.flatMap((v) => (v && isFloat(v.dtype) && g.graph.inputs.some((i) => i.name === v.name) ? [v.name] : []));
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
const cases: [string, readonly (Gen | undefined)[], Record<string, Plain>, number, (readonly Dim[] | undefined)[]][] = [
  ["LSTM", series(4, 2), both, 3, [...sequence, undefined, undefined, undefined, ["B"]]],
  ["GRU", series(3, 2), both, 2, [...sequence, undefined, undefined, undefined, ["B"]]],
  ["RNN", series(1, 2), both, 2, [...sequence, undefined, undefined, undefined, ["B"]]],
  ["Einsum", [normal(2, 3, 2, 3), normal(2, 2, 2, 3)], { equation: "bthd,bshd->bhts" }, 1, [["B", "T", 2, 3], ["B", "S", 2, 3]]], // prettier-ignore
  ["Einsum", [normal(2, 3, 4), normal(4, 5)], { equation: "...i,ij->...j" }, 1, [["B", "T", 4]]],
  ["GatherND", [normal(2, 3, 2), ids([1, 0, 2, 2], [2, 2, 1])], { batch_dims: 1 }, 1, [["B", 3, 2], ["B", 2, 1]]], // prettier-ignore
  ["Slice", [normal(4, 5), list([1, -9]), list([-1, 3])], {}, 1, [["B", "T"]]],
  ["Slice", [normal(4, 5), list([-2]), list([-4]), list([1]), list([-1])], {}, 1, [["B", "T"]]],
  ["Slice", [normal(4, 7), list([1]), list([100]), list([1]), list([3])], {}, 1, [[4, "T"]]],
  ["Slice", [normal(4, 5), list([3]), list([1]), list([0])], {}, 1, [["B", 5]]],
  ["Slice", [normal(4, 5), list([1]), list([3]), list([0])], {}, 1, [[4, 5], [1], [1]]],
  ["Pad", [normal(4, 5), list([1, 0, 0, 2]), normal()], {}, 1, [["B", "T"], [4]]],
  ["Pad", [normal(4, 5), list([-1, 2]), normal(), list([-1])], {}, 1, [["B", "T"], [2]]],
  ["Tile", [normal(2, 1, 3), list([2, 3, 1])], {}, 1, [["A", "B", "C"]]],
  ["Tile", [normal(2, 3), list([2, 3])], {}, 1, [["A", 3], [2]]],
  [
    "Add",
    [normal(2, 3), normal(1, 3)],
    {},
    1,
    [
      ["A", "B"],
      ["C", "D"],
    ],
  ],
  [
    "Mul",
    [normal(2, 3, 2), normal(3, 1)],
    {},
    1,
    [
      ["A", "B", "C"],
      ["B", "D"],
    ],
  ],
  [
    "MatMul",
    [normal(1, 2, 3), normal(4, 3, 2)],
    {},
    1,
    [
      ["A", "B", 3],
      ["C", "D", "E"],
    ],
  ],
  ["Where", [ids([1, 0, 1], [3], "bool"), normal(2, 3), normal(1)], {}, 1, [["A"], ["B", "C"], ["D"]]],
  ["MatMul", [normal(2, 4, 3), normal(3, 2)], {}, 1, [["A", "B", "C"]]],
  [
    "MatMul",
    [normal(2, 4, 3), normal(3, 2)],
    {},
    1,
    [
      ["A", "B", "C"],
      ["D", "E"],
    ],
  ],
  ["Conv", [normal(2, 4, 7), normal(6, 2, 3), normal(6)], { group: 2, strides: [2], pads: [1, 0] }, 1, [["B", 4, "T"]]],
  ["Conv", [normal(1, 2, 5, 6), normal(3, 2, 2, 3)], { strides: [1, 3], dilations: [2, 1] }, 1, [["B", 2, "H", "W"]]],
  ["Conv", [normal(2, 3, 5), normal(3, 1, 3)], { group: 3, auto_pad: "SAME_LOWER" }, 1, [[2, 3, "T"]]],
  [
    "ConvTranspose",
    [normal(2, 4, 3), normal(4, 2, 3), normal(4)],
    { group: 2, strides: [2], pads: [1, 0], output_padding: [1] },
    1,
    [["B", 4, "T"]],
  ],
  [
    "SoftmaxCrossEntropyLoss",
    [normal(3, 4, 2), ids([0, 2, 3, 3, 1, 2], [3, 2]), normal(4)],
    { ignore_index: 2 },
    1,
    [
      ["B", "C", "T"],
      ["B", "T"],
    ],
  ],
  ["DFT", [normal(2, 5, 1), list([5], []), list([1], [])], { onesided: 1 }, 1, [["B", 5, 1]]],
  ["DFT", [normal(2, 5, 2), undefined, list([1], [])], {}, 1, [["B", "T", 2]]],
  ["NegativeLogLikelihoodLoss", [normal(4, 3), ids([0, 2, 1, 2])], { ignore_index: 2 }, 1, [["B", 3], ["B"]]],
];

for (const [type, inputs, attrs, outputs, dims] of cases)
  test(`${type} ${typeof attrs["equation"] === "string" ? attrs["equation"] : ""}`, async () => {
    const free = await run(type, inputs, attrs, outputs, dims);
    const fixed = await run(type, inputs, attrs, outputs, []);
    free.forEach((dx, i) => expect(distance(dx, fixed[i]!)).toBeLessThan(1e-6));
  });
