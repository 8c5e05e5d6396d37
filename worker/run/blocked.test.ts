// Convolutions in the runtime's blocked layout give what they give in the plain one; where this processor has no such layout, that is said.
import { afterAll, expect, test } from "vitest";
import { Builder, type Plain } from "../ops/builder.ts";
import { drawInputs, normal } from "../ops/samples.ts";
import { blocked, blockedDomain } from "../passes/lowerings/blocked.ts";
import { runPasses } from "../passes/pass.ts";
import { toNumbers } from "../tensor.ts";
import { blockSize } from "./blockSize.ts";
import { OrtEngine } from "./onnxruntime.ts";

const engine = new OrtEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());
const size = await blockSize();

type Case = [type: string, inputs: number[][], attrs: Record<string, Plain>, blocked: boolean];
const cases: Case[] = [
  ["Conv", [[2, 32, 10, 10], [48, 32, 3, 3], [48]], { pads: [1, 1, 1, 1] }, true], // prettier-ignore
  ["Conv", [[2, 32, 17, 20], [16, 32, 3, 3]], { pads: [0, 2, 1, 0], strides: [2, 2] }, true], // prettier-ignore
  ["Conv", [[1, 32, 18, 18], [16, 32, 3, 3]], { strides: [2, 2], auto_pad: "SAME_UPPER" }, true], // prettier-ignore
  [
    "Conv",
    [
      [1, 16, 12, 12],
      [16, 16, 3, 3],
    ],
    {},
    false,
  ], // too shallow
  ["Conv", [[2, 32, 6, 6], [32, 1, 5, 5], [32]], { pads: [2, 2, 2, 2], group: 32 }, true], // prettier-ignore
  [
    "Conv",
    [
      [2, 20, 10, 10],
      [32, 20, 5, 5],
    ],
    {},
    false,
  ], // channels that make no whole blocks
  ["Conv", [[2, 32, 10, 10], [32, 16, 5, 5]], { group: 2 }, false], // prettier-ignore
  [
    "Conv",
    [
      [2, 32, 5, 5],
      [32, 32, 3, 3],
    ],
    {},
    false,
  ], // too small
  ["ConvTranspose", [[2, 32, 10, 10], [32, 48, 3, 3], [48]], { pads: [1, 1, 1, 1] }, true], // prettier-ignore
  ["ConvTranspose", [[2, 48, 9, 11], [48, 32, 3, 5]], { pads: [0, 1, 2, 3], dilations: [1, 2] }, true], // prettier-ignore
  ["ConvTranspose", [[2, 32, 6, 6], [32, 1, 3, 3]], { pads: [1, 1, 1, 1], group: 32 }, true], // prettier-ignore
  ["ConvTranspose", [[2, 32, 10, 10], [32, 32, 3, 3]], { strides: [2, 2] }, false], // prettier-ignore
];

for (const [type, dims, attrs, expected] of cases)
  test.skipIf(!size)(`${type} ${JSON.stringify(dims)} ${JSON.stringify(attrs)}`, async () => {
    const feeds = Object.fromEntries(drawInputs({ inputs: dims.map((d) => normal(...d)) }, "float32").map((t, i) => [`x${i}`, t!]));
    const g = new Builder(type);
    const [x, ...rest] = Object.entries(feeds).map(([name, t], i) => g.input(name, "float32", i ? t.dims : ["B", ...t.dims.slice(1)]));
    g.output(g.op(type, [x!, ...rest], attrs), "y");
    const graph = runPasses(g.graph, blocked(size));
    expect(graph.nodes.some((node) => node.domain === blockedDomain)).toBe(expected);
    const results: number[][] = [];
    for (const each of [g.graph, graph]) {
      const session = await engine.load(each);
      results.push(toNumbers((await session.run(feeds))["y"]!));
      await session.dispose();
    }
    const scale = Math.max(...results[0]!.map(Math.abs));
    expect(Math.max(...results[1]!.map((v, i) => Math.abs(v - results[0]![i]!))) / scale).toBeLessThan(1e-5);
  });

test("weights that never change are left to the runtime", () => {
  const g = new Builder("constant");
  const w = g.constant(drawInputs({ inputs: [normal(32, 32, 3, 3)] }, "float32")[0]!, "w");
  g.output(g.op("Conv", [g.input("x", "float32", ["B", 32, 10, 10]), w]), "y");
  expect(runPasses(g.graph, blocked(16)).nodes.map((node) => node.domain)).not.toContain(blockedDomain);
});

test("a graph cannot be blocked before the size is known", () => {
  expect(() => runPasses(new Builder("empty").graph, blocked(0))).toThrow("no blocks of 0");
});
