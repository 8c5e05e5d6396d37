// Recomputation: the same numbers to the bit from less memory, and the runtime runs what is computed again late.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node";
import { attention, convolutions, deep } from "../../bench/memoryNets.ts";
import { netForward } from "../../bench/nets.ts";
import { openModel } from "../../worker/formats/onnx.ts";
import type { Graph } from "../../worker/onnx/graph.ts";
import { check } from "../../worker/onnx/check.ts";
import { encodeModel } from "../../worker/onnx/proto.ts";
import { inferGraph } from "../../worker/ops/infer.ts";
import { seeded } from "../../worker/ops/samples.ts";
import { liveness, runtimeOrder } from "../../worker/passes/liveness.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { fromNumbers, sizeOf, type Tensor } from "../../worker/tensor.ts";
import { type StepOptions, trainingStep } from "../../worker/train/step.ts";
import { smallNet } from "./steps.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const random = seeded(7);
const draw = (n: number) => Float32Array.from({ length: n }, () => random() * 2 - 1);
const B = 6;
function feedsOf(graph: Graph): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const { name, dtype, dims } of graph.inputs) {
    const shape = dims.map((n) => (typeof n === "number" ? n : B));
    const below = name === "labels" || name === "y" ? 3 : name === "codes" ? 5 : 11;
    feeds[name] = fromNumbers(
      dtype,
      shape,
      Array.from({ length: sizeOf(shape) }, () => (dtype === "float32" ? random() * 2 - 1 : Math.floor(random() * below))),
    );
  }
  return feeds;
}

/** Losses and states of a few steps. */
async function stepped(forward: Graph, feeds: Record<string, Tensor>, more: Partial<StepOptions>) {
  const step = trainingStep(forward, { loss: "loss", optimizer: { name: "adamw" }, seed: 3, ...more });
  check(step.graph);
  inferGraph(step.graph);
  const session = await engine.train(step, undefined);
  const losses: number[] = [];
  for (let i = 0; i < 4; i++) losses.push(Number((await session.step(feeds, 0.01))["loss"]!.data[0]));
  const states = await session.read();
  await session.dispose();
  return { losses, states, nodes: step.graph.nodes.length, peak: liveness(step.graph, { B: 4096 }).peak };
}

describe("the same bits from less memory", () => {
  const cases: [string, () => Graph, number | "auto", number][] = [
    ["sixteen layers", () => deep(16, 24), "auto", 0.62],
    ["sixteen layers of ReLU in four parts", () => deep(16, 24, "relu"), 4, 0.7],
    ["attention blocks with dropout and a tied head", () => attention(6), "auto", 0.6],
    ["convolutions with batch normalisation", () => convolutions(6), "auto", 0.75],
  ];
  test.each(cases)("%s", async (_, make, segments, atMost) => {
    const forward = make();
    const feeds = feedsOf(forward);
    const plain = await stepped(forward, feeds, {});
    const again = await stepped(forward, feeds, { recompute: segments });
    expect(again.nodes).toBeGreaterThan(plain.nodes * 1.1);
    expect(again.losses).toEqual(plain.losses);
    expect(again.states).toEqual(plain.states);
    expect(again.peak / plain.peak).toBeLessThan(atMost);
  });

  test("together with accumulation, clipping, a scaled loss and a net of tables", async () => {
    const forward = netForward({ ...smallNet, widths: [6, 16, 16, 16, 16, 3] });
    const feeds = feedsOf(forward);
    const options = { accumulate: 2, clipNorm: 0.5, lossScale: 64 };
    const plain = await stepped(forward, feeds, options);
    const again = await stepped(forward, feeds, { ...options, recompute: 3 });
    // The runtime fuses x · sigmoid(x) where nothing else reads the sigmoid, and rounds otherwise then.
    again.losses.forEach((loss, i) => expect(Math.abs(loss / plain.losses[i]! - 1)).toBeLessThan(1e-6));
  });

  test("a model that came as a file", async () => {
    const { graph } = openModel("test/references/models/gpt.ts.17.onnx", {});
    const loss = graph.outputs[0]!.name;
    const plain = trainingStep(graph, { loss, optimizer: { name: "sgd" } });
    const again = trainingStep(graph, { loss, optimizer: { name: "sgd" }, recompute: 2 });
    check(again.graph);
    expect(again.graph.nodes.length).toBeGreaterThan(plain.graph.nodes.length);
    expect(again.graph.outputs).toEqual(plain.graph.outputs);
  });
});

test("memory grows with the root of the depth, not with the depth", () => {
  const peak = (depth: number, recompute?: "auto") =>
    liveness(trainingStep(deep(depth, 8), { loss: "loss", optimizer: { name: "sgd" }, ...(recompute && { recompute }) }).graph, { B: 1024 })
      .peak;
  expect(peak(64) / peak(16)).toBeGreaterThan(3.2);
  expect(peak(64, "auto") / peak(16, "auto")).toBeLessThan(2.4);
  expect(peak(64, "auto") / peak(64)).toBeLessThan(0.35);
});

test("a graph with nothing between its ends stays as it is; one part is refused", () => {
  const line = () => deep(1, 4);
  const options = { loss: "loss", optimizer: { name: "sgd" } } as const;
  expect(() => trainingStep(line(), { ...options, recompute: 1 })).toThrow("two segments or more");
  expect(trainingStep(line(), { ...options, recompute: 9 }).graph.outputs).toEqual(trainingStep(line(), options).graph.outputs);
});

test("the runtime runs the nodes in the order that is reckoned with, and merges none that are computed again", async () => {
  const { graph, states } = trainingStep(deep(12, 16), { loss: "loss", optimizer: { name: "sgd" }, recompute: 4 });
  const folder = mkdtempSync(join(tmpdir(), "paddock-order-"));
  try {
    const session = await OrtSession.create(encodeModel(graph), {
      enableProfiling: true,
      profileFilePrefix: join(folder, "p"),
      intraOpNumThreads: 1,
    });
    const feeds: Record<string, OrtTensor> = {
      lr: new OrtTensor("float32", [0.1], []),
      x: new OrtTensor("float32", draw(B * 16), [B, 16]),
    };
    for (const s of states)
      if (session.inputNames.includes(s.name)) feeds[s.name] = new OrtTensor("float32", s.initial.data as Float32Array, s.dims);
    await session.run(feeds);
    session.endProfiling();
    await session.release();
    const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")) as { cat: string; name: string }[];
    const ran = events.flatMap((e) =>
      e.cat === "Node" && e.name.endsWith("_kernel_time") ? [e.name.slice(0, -"_kernel_time".length)] : [],
    );
    const place = new Map(runtimeOrder(graph).map((node, i) => [node.name, i]));
    const places = ran.flatMap((name) => place.get(name) ?? []);
    expect(places.length).toBeGreaterThan(graph.nodes.length * 0.6); // the runtime fuses some under other names
    expect(places).toEqual([...places].sort((a, b) => a - b));
    // Products come under their own names or as part of what they were fused into.
    const twice = graph.nodes.filter((n) => n.type === "MatMul" && n.name.includes(":again")).map((n) => n.name);
    expect(twice.length).toBeGreaterThanOrEqual(6);
    expect(twice.filter((name) => !ran.some((one) => one === name || one.includes(`${name}/`)))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
