// Lengths of different names: either may be 1 when the graph runs, and then the gradient is summed over what was stretched.
import { afterAll, expect, test } from "vitest";
import type { Dim } from "../../worker/onnx/graph.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { float32, sizeOf, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradients } from "../../worker/train/gradient.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const wave = (dims: number[], phase: number): Tensor =>
  float32(
    dims,
    Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i * 1.3 + phase) + 2),
  );

type Two = (g: Builder, a: Value, b: Value) => Value;
const cases: [string, Two, Dim[], Dim[], [number[], number[]][]][] = [
  ["Mul", (g, a, b) => g.mul(a, b), ["A", 3], ["B", 3], [[[1, 3], [4, 3]], [[4, 3], [1, 3]], [[4, 3], [4, 3]], [[1, 3], [1, 3]]]], // prettier-ignore
  ["Div, one axis more", (g, a, b) => g.div(a, b), [2, "A", 3], ["B", 3], [[[2, 1, 3], [4, 3]], [[2, 4, 3], [1, 3]]]], // prettier-ignore
  ["Add to a number", (g, a, b) => g.square(g.add(a, b)), [5, 2], ["B", 2], [[[5, 2], [1, 2]], [[5, 2], [5, 2]]]], // prettier-ignore
  ["MatMul", (g, a, b) => g.matmul(a, b), ["A", 2, 3], ["B", 3, 2], [[[1, 2, 3], [4, 3, 2]], [[4, 2, 3], [1, 3, 2]]]], // prettier-ignore
  ["thrice", (g, a, b) => g.mul(g.mul(a, b), g.add(a, b)), ["A", 2], ["B", 2], [[[1, 2], [3, 2]], [[3, 2], [1, 2]]]], // prettier-ignore
];

test.each(cases)("%s", async (_, two, a, b, runs) => {
  const g = new Builder("two");
  const [x, y] = [g.input("x", "float32", a), g.input("y", "float32", b)];
  const loss = g.reduceMean(two(g, x, y), { keepdims: false });
  g.output(loss, "loss");
  for (const [name, dx] of gradients(g, loss, ["x", "y"])) {
    expect(dx.dims).toEqual(name === "x" ? a : b);
    g.output(dx, `grad:${name}`);
  }
  const session = await engine.load(g.graph);
  for (const [left, right] of runs) {
    const feeds: Record<string, Tensor> = { x: wave(left, 0), y: wave(right, 1) };
    const out = await session.run(feeds);
    for (const name of ["x", "y"]) {
      const at = toNumbers(feeds[name]!);
      const found = out[`grad:${name}`]!;
      expect(found.dims).toEqual(feeds[name]!.dims);
      for (let i = 0; i < at.length; i++) {
        const loss = async (shift: number) => {
          const moved = at.map((v, j) => (i === j ? v + shift : v));
          return Number((await session.run({ ...feeds, [name]: float32(feeds[name]!.dims, moved) }))["loss"]!.data[0]);
        };
        const slope = ((await loss(0.05)) - (await loss(-0.05))) / 0.1;
        expect(toNumbers(found)[i], `${name}[${i}] of ${left.join()} and ${right.join()}`).toBeCloseTo(slope, 2);
      }
    }
  }
  await session.dispose();
});
