import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { printGraph } from "../onnx/print.ts";
import { openEngine } from "../run/engine.ts";
import { tasks } from "../tasks/index.ts";
import { float32, int64 } from "../tensor.ts";
import { trainingPlan } from "../train/step.ts";
import { answeringGraph, countParameters, modelOf, models, type NetSpec, trainingGraph } from "./index.ts";
import { resolveConfig } from "./model.ts";

/** Files that are no family of tables: what the families share, and the families of texts, pictures and ratings. */
const shared = new Set(["index", "layers", "model", "transformer", "ngrams", "factors", "towers", "resnet", "gpt", "textTransformer"]);

test("every family's file is listed under its own name", () => {
  const files = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .map((name) => name.slice(0, -3))
    .filter((name) => !shared.has(name));
  expect(Object.keys(models).sort()).toEqual(files.sort());
  for (const [id, family] of Object.entries(models)) expect(family.id).toBe(id);
});

const netOf = (model: string, more: Partial<NetSpec> = {}, config = {}): NetSpec => ({
  model,
  config: resolveConfig(modelOf(model), config),
  numeric: 2,
  categories: [4, 30],
  outputs: 3,
  seed: 1,
  ...more,
});

describe.each(Object.keys(models))("%s", (id) => {
  test.each([
    ["numbers and categories", {}],
    ["numbers alone", { categories: [] }],
    ["few-valued categories alone", { numeric: 0, categories: [3, 4] }],
    ["many-valued categories alone", { numeric: 0, categories: [500] }],
  ])("answers for %s, with the weights it is given", async (_, more) => {
    const net = netOf(id, more);
    const graph = answeringGraph(net, tasks.classification);
    expect(graph.parameters).toEqual(trainingGraph(net, tasks.classification).parameters);
    expect(countParameters(graph)).toBeGreaterThan(0);
    const engine = await openEngine("cpu", { threads: 1 });
    const session = await engine.load(graph);
    const x = float32(
      [5, 2],
      Array.from({ length: 10 }, (_, i) => i / 5 - 1),
    );
    const q = net.categories.length;
    const codes = int64(
      [5, q],
      Array.from({ length: 5 * q }, (_, i) => (Math.floor(i / q) * 7) % net.categories[i % q]!),
    );
    const { answer } = await session.run({ ...(net.numeric ? { x } : {}), ...(q ? { codes } : {}) });
    await engine.dispose();
    expect(answer!.dims).toEqual([5, 3]);
    const { predicted } = tasks.classification.answers(answer!, int64([5], [0, 1, 2, 0, 1]), { classes: ["a", "b", "c"] });
    for (let i = 0; i < 5; i++) expect(predicted[3 * i]! + predicted[3 * i + 1]! + predicted[3 * i + 2]!).toBeCloseTo(1, 5);
  });

  test("the same seed builds the same graph; another seed other weights of the same shape", () => {
    const print = (seed: number) => printGraph(trainingGraph(netOf(id, { seed, outputs: 1 }), tasks.regression));
    expect(print(1)).toBe(print(1));
    const weights = (seed: number) => [...answeringGraph(netOf("mlp", { seed }), tasks.regression).initializers.values()];
    expect(weights(1)).not.toEqual(weights(2));
  });
});

test("in folds, a row moves only the members that may learn from it, and is answered by the others", async () => {
  const net = netOf("mlp", { folds: 2, outputs: 1 }, { members: 4, width: 8, depth: 2, dropout: 0 });
  const forward = trainingGraph(net, tasks.regression);
  for (const name of forward.parameters) expect(forward.initializers.get(name)!.dims[0], name).toBe(4);
  const engine = await openEngine("cpu", { threads: 1 });
  const session = await engine.train(
    trainingPlan(forward, { loss: "loss", keep: ["shown"], optimizer: { name: "sgd" } }),
    answeringGraph(net, tasks.regression),
  );
  const inputs = { x: float32([2, 2], [1, -1, 0.5, 2]), codes: int64([2, 2], [1, 20, 3, 7]) };
  // Both rows stand in fold 1 of the first round and in fold 0 of the second: members 1 and 2 may not see them.
  const turns = int64([2, 2], [1, 0, 1, 0]);
  const before = await session.read();
  const told = await session.step({ ...inputs, turns, y: float32([2, 1], [3, -2]) }, 0.1);
  expect(told["loss"]!.data[0]).toBeGreaterThan(0);
  const after = await session.read();
  for (const name of forward.parameters) {
    const [old, now] = [before.get(name)!.data as Float32Array, after.get(name)!.data as Float32Array];
    const part = old.length / 4;
    for (const k of [1, 2]) expect(now.slice(k * part, (k + 1) * part), `${name} ${k}`).toEqual(old.slice(k * part, (k + 1) * part));
    for (const k of [0, 3]) expect(now.slice(k * part, (k + 1) * part), `${name} ${k}`).not.toEqual(old.slice(k * part, (k + 1) * part));
  }

  const ask = async (list: number[]) =>
    [...(await session.evaluate({ ...inputs, turns: int64([2, 2], list) }))["answer"]!.data].map(Number);
  const [of02, of13, all] = [await ask([0, 0, 0, 0]), await ask([1, 1, 1, 1]), await ask([-1, -1, -1, -1])];
  expect(of02).not.toEqual(of13);
  for (const i of [0, 1]) expect(all[i]).toBeCloseTo((of02[i]! + of13[i]!) / 2, 5);
  await session.dispose();
  await engine.dispose();
});

describe("settings", () => {
  test("defaults, what is given, and what is wrong", () => {
    const family = modelOf("mlp");
    expect(resolveConfig(family, { width: 8 })).toMatchObject({ width: 8, depth: family.config["depth"]!.default });
    for (const bad of [{ width: 0 }, { width: 1.5 }, { width: "8" }, { activation: "step" }, { dropout: 1 }, { wings: 2 }])
      expect(() => resolveConfig(family, bad as never)).toThrow(expect.objectContaining({ code: "usage" }));
    expect(() => modelOf("bird")).toThrow(expect.objectContaining({ code: "usage", data: { model: "bird", known: ["line", "mlp"] } }));
  });
});
