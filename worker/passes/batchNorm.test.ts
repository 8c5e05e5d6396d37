import { afterAll, expect, test } from "vitest";
import { Builder } from "../ops/builder.ts";
import { openEngine } from "../run/engine.ts";
import { float32, toNumbers } from "../tensor.ts";
import { trainedBatchNorm } from "./batchNorm.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

function graph(attrs: Record<string, number>, outputs: number) {
  const g = new Builder("norm");
  const given = ["scale", "bias", "mean", "variance"].map((name) => g.input(name, "float32", [2]));
  const x = g.input("x", "float32", ["B", 2, 2]);
  for (const [i, y] of g.op("BatchNormalization", [x, ...given], attrs, { outputs }).entries()) g.output(y, `y${i}`);
  return g.graph;
}

const feeds = () => ({
  x: float32([3, 2, 2], [1, 4, -2, 0.5, 3, 3, 1, -1, 0, 2, 5, 6]),
  scale: float32([2], [2, -1]),
  bias: float32([2], [0.5, 0]),
  mean: float32([2], [10, -10]),
  variance: float32([2], [4, 9]),
});

test("plain operators give what the runtime's own gives, without touching what they are fed", async () => {
  const native = graph({ training_mode: 1, momentum: 0.8, epsilon: 1e-3 }, 3);
  const plain = trainedBatchNorm(native);
  expect(plain.nodes.map((n) => n.type)).not.toContain("BatchNormalization");
  expect(plain.outputs.map((o) => o.dims)).toEqual(native.outputs.map((o) => o.dims));
  const results = [];
  for (const each of [native, plain]) {
    const session = await engine.load(each);
    const fed = feeds();
    results.push(await session.run(fed));
    if (each === plain) expect(fed).toEqual(feeds());
    await session.dispose();
  }
  const [expected, found] = results as [(typeof results)[0], (typeof results)[0]];
  for (const name of ["y0", "y1", "y2"])
    toNumbers(found[name]!).forEach((v, i) => expect(v, `${name}[${i}]`).toBeCloseTo(toNumbers(expected[name]!)[i]!, 5));
});

test("a frozen one is left alone", () => {
  expect(trainedBatchNorm(graph({}, 1)).nodes.map((n) => n.type)).toContain("BatchNormalization");
});
