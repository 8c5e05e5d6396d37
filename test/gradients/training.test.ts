// Whole training steps: repeatable to the bit, resumable, deep, and with batches of any size.
import { afterAll, describe, expect, test } from "vitest";
import { netBatch, netStep } from "../../bench/nets.ts";
import { Builder, type Value } from "../../worker/ops/builder.ts";
import { seeded } from "../../worker/ops/samples.ts";
import { check } from "../../worker/onnx/check.ts";
import { decodeModel, encodeModel } from "../../worker/onnx/proto.ts";
import { inferGraph } from "../../worker/ops/infer.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { float32, type Tensor } from "../../worker/tensor.ts";
import { trainingStep } from "../../worker/train/step.ts";
import { smallNet, twentySteps } from "./steps.ts";

const engine = await openEngine("cpu");
afterAll(() => engine.dispose());

test("the same twenty steps give the same bits; stopped and resumed equals never stopped", async () => {
  const whole = await twentySteps(engine);
  expect(await twentySteps(engine)).toEqual(whole);
  const batch = netBatch(smallNet);
  const losses: number[] = [];
  let saved: Map<string, Tensor> | undefined;
  for (let part = 0; part < 4; part++) {
    const session = await engine.train(netStep(smallNet), undefined);
    if (saved) await session.write(saved);
    for (let i = 0; i < 5; i++) losses.push(Number((await session.step(batch, 1e-2))["loss"]!.data[0]));
    saved = await session.read();
    await session.dispose();
  }
  expect(losses).toEqual(whole.losses);
});

test("a step graph is sound and its types are those that a reader finds", () => {
  const { graph, states } = netStep(smallNet);
  check(graph);
  const again = decodeModel(encodeModel(graph));
  check(again);
  inferGraph(again);
  expect(graph.outputs.filter((o) => o.name.startsWith("next:")).map((o) => o.name.slice(5))).toEqual(
    states.map((s) => s.name).filter((n) => n !== "seed"),
  );
  for (const s of states) expect(graph.info(s.name)).toMatchObject({ dtype: s.dtype, dims: s.dims });
});

test("read gives copies, write refuses what does not fit", async () => {
  const session = await engine.train(netStep(smallNet), undefined);
  const before = await session.read();
  const kept = before.get("w0")!.data.slice();
  for (let i = 0; i < 3; i++) await session.step(netBatch(smallNet), 1e-2);
  expect(before.get("w0")!.data).toEqual(kept);
  expect((await session.read()).get("w0")!.data).not.toEqual(kept);
  await session.write(before);
  expect((await session.read()).get("w0")!.data).toEqual(kept);
  expect(before.get("w0")!.data).toEqual(kept);
  await expect(session.write(new Map([["w0", float32([1], [1])]]))).rejects.toThrow("does not fit");
  await session.dispose();
});

test("batches of any size, each with its own mean loss", async () => {
  const session = await engine.train(netStep({ ...smallNet, dropout: 0 }), undefined);
  for (const batch of [1, 7, 64, 3]) {
    const out = await session.step(netBatch({ ...smallNet, batch }), 0);
    expect(Number(out["loss"]!.data[0])).toBeGreaterThan(0.5);
    expect(Number(out["loss"]!.data[0])).toBeLessThan(3);
  }
  await session.dispose();
});

describe("fifty layers", () => {
  const depth = 50;
  const width = 16;

  function deep(block: (g: Builder, x: Value, linear: (x: Value, name: string) => Value, name: string) => Value) {
    const random = seeded(1);
    const g = new Builder("deep");
    const linear = (x: Value, name: string, out = width): Value => {
      const fan = x.dims[1] as number;
      const init = Float32Array.from({ length: fan * out }, () => ((random() * 2 - 1) * Math.sqrt(3)) / Math.sqrt(fan));
      return g.add(g.matmul(x, g.parameter(`${name}.w`, [fan, out], init)), g.parameter(`${name}.b`, [out], new Float32Array(out)));
    };
    const ones = () => new Float32Array(width).fill(1);
    let x = linear(g.input("x", "float32", ["B", 4]), "in");
    for (let i = 0; i < depth; i++) x = block(g, x, linear, `h${i}`);
    x = g.layerNorm(x, g.parameter("norm.s", [width], ones()), g.parameter("norm.b", [width], new Float32Array(width)));
    g.output(g.reduceMean(g.square(g.sub(linear(x, "out", 1), g.input("y", "float32", ["B", 1]))), { keepdims: false }), "loss");
    return trainingStep(g.graph, { loss: "loss", optimizer: { name: "adamw" }, clipNorm: 1 });
  }

  const nets = {
    residual: deep((g, x, linear, name) =>
      g.add(x, g.mul(linear(g.relu(g.layerNorm(x, g.parameter(`${name}.s`, [width], new Float32Array(width).fill(1)))), name), 0.2)),
    ),
    normalised: deep((g, x, linear, name) =>
      g.relu(g.layerNorm(linear(x, name), g.parameter(`${name}.s`, [width], new Float32Array(width).fill(1)))),
    ),
  };

  test.each(Object.entries(nets))("%s: it trains", async (_, step) => {
    const random = seeded(2);
    const x = Array.from({ length: 64 * 4 }, () => random() * 2 - 1);
    const y = Array.from({ length: 64 }, (_, i) => x[4 * i]! * x[4 * i + 1]! + x[4 * i + 2]!);
    const session = await engine.train(step, undefined);
    const losses: number[] = [];
    for (let i = 0; i < 80; i++)
      losses.push(Number((await session.step({ x: float32([64, 4], x), y: float32([64, 1], y) }, 5e-3))["loss"]!.data[0]));
    expect(Math.min(...losses.slice(-10))).toBeLessThan(losses[0]! * 0.3);
    await session.dispose();
  });
});
