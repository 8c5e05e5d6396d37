// Mixed precision. No device of this machine computes in float16 (ONNX Runtime's processor kernels compute such products in float32), so every
// float16 value is rounded here as a float16 device would round it, by float32 operators, and the step is run so.
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { attention, convolutions, deep } from "../../bench/memoryNets.ts";
import { openLanguageModel } from "../../worker/models/language/index.ts";
import { tuningGraph } from "../../worker/models/language/tune.ts";
import type { Graph } from "../../worker/onnx/graph.ts";
import type { Builder, Value } from "../../worker/ops/builder.ts";
import { seeded } from "../../worker/ops/samples.ts";
import { mixedPrecision } from "../../worker/passes/precision.ts";
import { rewrite } from "../../worker/passes/rewrite.ts";
import { halfPrecision } from "../../worker/run/device.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { float32, fromNumbers, int64, sizeOf, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { type StepGraph, type StepOptions, trainingStep } from "../../worker/train/step.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

/** x as the nearest float16: 11 bits by Veltkamp's splitting, multiples of 2^-24 below 2^-14, infinite from 65520 on. */
function rounded(g: Builder, x: Value): Value {
  const apart = g.mul(x, 8193);
  const high = g.sub(apart, g.sub(apart, x));
  const size = g.abs(x);
  const low = g.div(g.round(g.mul(x, 2 ** 24)), 2 ** 24);
  const inRange = g.where(g.less(size, 2 ** -14), low, high);
  return g.where(g.less(size, 65520), inRange, g.mul(x, Infinity)); // NaN stays NaN
}

/** The step with float32 in the place of float16, rounded after every node. */
function emulated(step: StepGraph): StepGraph {
  const old = step.graph;
  const graph = rewrite(old, (g, node, x) => {
    const half = (name: string) => old.info(name)?.dtype === "float16";
    const y = node.outputs[0]!;
    if (![...node.inputs, ...node.outputs].some(half)) return undefined;
    const inputs = x.map((v) => {
      const constant = v && v.dtype === "float16" ? g.valueOf(v) : undefined;
      return constant ? g.constant(fromNumbers("float32", constant.dims, toNumbers(constant))) : v;
    });
    if (node.type === "Cast") return [half(y) ? rounded(g, g.cast(inputs[0]!, "float32")) : inputs[0]];
    return g
      .node({ ...node, inputs: inputs.map((v) => v?.name ?? "") }, node.outputs.length)
      .map((v, i) => (half(node.outputs[i]!) ? rounded(g, v) : v));
  });
  return { ...step, graph };
}

const B = 6;
const random = seeded(3);
function feedsOf(graph: Graph): Record<string, Tensor> {
  const draw = (name: string, dtype: string) =>
    dtype === "float32" ? random() * 2 - 1 : Math.floor(random() * (name === "labels" ? 3 : 11));
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype, dims }) => {
      const shape = dims.map((d) => (typeof d === "number" ? d : B));
      return [
        name,
        fromNumbers(
          dtype,
          shape,
          Array.from({ length: sizeOf(shape) }, () => draw(name, dtype)),
        ),
      ];
    }),
  );
}

async function steps(step: StepGraph, feeds: Record<string, Tensor>, count: number, set?: Map<string, Tensor>) {
  const session = await engine.train(step, undefined);
  if (set) await session.write(set);
  const losses: number[] = [];
  for (let i = 0; i < count; i++) losses.push(Number((await session.step(feeds, 0.01))["loss"]!.data[0]));
  const states = await session.read();
  await session.dispose();
  return { losses, states };
}
const options = { loss: "loss", optimizer: { name: "adam" }, precision: "mixed" } as const satisfies StepOptions;
const number = (states: Map<string, Tensor>, name: string) => toNumbers(states.get(name)!)[0]!;

test("only products are float16; parameters, losses, sums and normalisations are not", () => {
  const { graph, states } = trainingStep(attention(2), options);
  const half = new Set(graph.nodes.filter((n) => n.outputs.some((y) => graph.info(y)?.dtype === "float16")).map((n) => n.type));
  expect([...half].filter((type) => !["Cast", "MatMul", "Gemm", "Transpose", "Reshape", "Expand", "Add"].includes(type))).toEqual([]);
  // Gradients that meet at one cast are added as they are.
  const added = graph.nodes.filter((n) => n.type === "Add" && graph.info(n.outputs[0]!)?.dtype === "float16");
  expect(added.every((n) => n.inputs.every((x) => graph.producer(x)?.type !== "Cast"))).toBe(true);
  expect(half).toContain("MatMul");
  expect(graph.nodes.filter((n) => n.type === "MatMul" && graph.info(n.outputs[0]!)?.dtype === "float32").length).toBeLessThan(3); // sums of columns
  expect(states.filter((s) => s.name !== "seed").every((s) => s.dtype === "float32")).toBe(true);
  expect(mixedPrecision(deep(1, 4)).parameters).toEqual(["w0", "b0"]);
});

describe("losses as in float32, to float16's precision", () => {
  test.each<[string, () => Graph]>([
    ["layers", () => deep(4, 16)],
    ["attention", () => attention(2)],
    ["convolutions", () => convolutions(3)],
  ])("%s", async (_, make) => {
    const forward = make();
    const feeds = feedsOf(forward);
    const full = await steps(trainingStep(forward, { ...options, precision: "full" }), feeds, 20);
    const mixed = await steps(emulated(trainingStep(forward, options)), feeds, 20);
    mixed.losses.forEach((loss, i) => expect(Math.abs(loss / full.losses[i]! - 1), `step ${i}`).toBeLessThan(1e-2));
    expect(mixed.losses).not.toEqual(full.losses); // it was rounded
    expect(mixed.losses.at(-1)!).toBeLessThan(mixed.losses[0]!);
    expect([65536, 32768, 16384, 8192]).toContain(number(mixed.states, "loss:scale"));
  });
});

test("so does a language model that learns by adapters", async () => {
  const model = openLanguageModel(join(import.meta.dirname, "../references/language/llama"));
  const { graph: forward } = tuningGraph(model, { method: "lora", adapter: { rank: 4, alpha: 8, targets: "all", seed: 1 } });
  const [rows, length] = [2, 12];
  const ids = Array.from({ length: rows * length }, (_, i) => (i * 7919) % model.config.vocabulary);
  const feeds = { input_ids: int64([rows, length], ids), labels: int64([rows, length], ids) };
  const full = await steps(trainingStep(forward, { ...options, precision: "full" }), feeds, 10);
  // A scale at which nothing overflows: a step that is left out would set the curve back by one.
  const mixed = await steps(emulated(trainingStep(forward, { ...options, lossScale: 256 })), feeds, 10);
  model.close();
  mixed.losses.forEach((loss, i) => expect(Math.abs(loss / full.losses[i]! - 1), `step ${i}`).toBeLessThan(1e-2));
  expect(mixed.losses).not.toEqual(full.losses);
  expect(mixed.losses.at(-1)!).toBeLessThan(0.5 * mixed.losses[0]!);
});

test("an overflow halves the scale and changes nothing else; the 2000th good step doubles it", async () => {
  const forward = deep(2, 8);
  const feeds = feedsOf(forward);
  const step = emulated(trainingStep(forward, options));
  const high = 2 ** 24;
  const first = (await steps(step, feeds, 0)).states;
  const after = await steps(
    step,
    { ...feeds, x: fromNumbers("float32", [B, 8], new Array<number>(B * 8).fill(60000)) },
    1,
    new Map([["loss:scale", float32([], [high])]]),
  );
  expect(number(after.states, "loss:scale")).toBe(high / 2);
  expect(number(after.states, "loss:good")).toBe(0);
  for (const name of ["w0", "b1", "w0:m"]) expect(after.states.get(name)).toEqual(first.get(name));

  const nearly = new Map([["loss:good", float32([], [1998])]]);
  const one = await steps(step, feeds, 1, nearly);
  expect([number(one.states, "loss:scale"), number(one.states, "loss:good")]).toEqual([65536, 1999]);
  const two = await steps(step, feeds, 2, nearly);
  expect([number(two.states, "loss:scale"), number(two.states, "loss:good")]).toEqual([131072, 0]);
  expect(two.states.get("w0")).not.toEqual(first.get("w0"));
});

test("gradients too small for float16 come through with the scale, and are lost without", async () => {
  const forward = deep(1, 4);
  const feeds = { x: fromNumbers("float32", [B, 4], new Array<number>(B * 4).fill(5e-7)) };
  const slopes = async (more: Partial<StepOptions>) =>
    toNumbers((await steps(emulated(trainingStep(forward, { ...options, ...more })), feeds, 1)).states.get("w0:m")!);
  const [full, mixed, lost] = [await slopes({ precision: "full" }), await slopes({}), await slopes({ lossScale: 1 })];
  expect(Math.max(...full.map(Math.abs))).toBeGreaterThan(0);
  expect(lost.every((m) => m === 0)).toBe(true);
  mixed.forEach((m, i) => expect(Math.abs(m / full[i]! - 1)).toBeLessThan(0.15)); // x itself is but 8 of the smallest steps
});

test("together with recomputation: the same bits", async () => {
  const forward = deep(8, 12);
  const feeds = feedsOf(forward);
  const plain = await steps(emulated(trainingStep(forward, options)), feeds, 3);
  const again = await steps(emulated(trainingStep(forward, { ...options, recompute: 3 })), feeds, 3);
  expect(again.losses).toEqual(plain.losses);
});

test("the processor is refused with the reason", async () => {
  expect(await halfPrecision("cpu")).toMatchObject({ works: false, why: expect.stringContaining("float32") as string });
});
