import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLanguageModel } from "../models/language/index.ts";
import { tuningGraph } from "../models/language/tune.ts";
import { usualShape } from "../models/language/usualShape.ts";
import { sessionBytes } from "./forecast.ts";
import { forecastMemory, sizeOf, trainingActivations } from "./memoryPlan.ts";
import { trainingStep } from "./step.ts";

const source = { cache: tmpdir(), signal: new AbortController().signal };
const fixture = join(import.meta.dirname, "../../test/references/language");
const planOf = (of: string, more: object = {}) => forecastMemory({ of, ...more }, source);

test("ten million parameters are 38 MiB in float32, six billion 22 GiB", async () => {
  const ten = await planOf("10M");
  expect(Math.round(ten.bytes.weights / 2 ** 20)).toBe(38);
  const six = await planOf("6B");
  expect(Math.round(six.bytes.weights / 2 ** 30)).toBe(22);
  expect(six).toMatchObject({ kind: "size", parameters: 6e9, trainable: 0, shape: { assumed: true }, settings: { bits: 32, batch: 1 } });
  expect(six.bytes).toMatchObject({ gradients: 0, optimizer: 0 });
  const full = await planOf("6B", { method: "full" });
  expect(full.bytes).toMatchObject({ weights: 24e9, gradients: 24e9, optimizer: 48e9 });
  const [lora, qlora] = [await planOf("6B", { method: "lora" }), await planOf("6B", { method: "qlora" })];
  expect(lora.trainable).toBeLessThan(0.01 * lora.parameters);
  expect(qlora.bytes.weights).toBeLessThan(0.2 * lora.bytes.weights);
  expect(full.smaller.map(({ settings }) => settings.method)).toEqual(expect.arrayContaining(["full", "lora", "qlora"]));
  for (const { total } of full.smaller) expect(total).toBeLessThan(full.total);
});

test("sizes are read as people write them; what is none is refused", async () => {
  expect(["6B", "7.5 billion", "350m", "125000000", "1e9", "1T"].map(sizeOf)).toEqual([6e9, 7.5e9, 350e6, 125e6, 1e9, 1e12]);
  expect(sizeOf("model.gguf")).toBeUndefined();
  for (const wrong of ["-3B", "1e99B", "0", "12", "1e308T"]) await expect(planOf(wrong)).rejects.toMatchObject({ code: "usage" });
  await expect(planOf("nowhere/model.gguf")).rejects.toMatchObject({ code: "fileMissing" });
  await expect(planOf("6B", { method: "full", bits: 4 })).rejects.toMatchObject({ code: "usage" });
  await expect(planOf("6B", { method: "qlora", bits: 16 })).rejects.toMatchObject({ code: "usage" });
});

test.each([1e6, 1e7, 1.35e8, 1.1e9, 6e9, 70e9, 4e11])("the usual shape of %d parameters has about so many", (parameters) => {
  const { layers, width, inner, vocabulary } = usualShape(parameters);
  const counted = layers * (4 * width ** 2 + 3 * width * inner) + vocabulary * width;
  expect(counted / parameters).toBeGreaterThan(0.7);
  expect(counted / parameters).toBeLessThan(1.35);
});

test.each([64, 128])("the formula of activations is within a tenth of the graph's, at %d tokens", (length) => {
  const model = openLanguageModel(join(fixture, "llama"));
  try {
    for (const method of ["lora", "full"] as const) {
      const { graph } = tuningGraph(model, { method, adapter: { rank: 8, alpha: 16, targets: "all", seed: 1 } });
      const step = trainingStep(graph, { loss: "loss", optimizer: { name: "adamw" }, seed: 1 });
      const { activations } = sessionBytes(step, undefined, { sizes: { B: 2, T: length } });
      const formula = trainingActivations(model.config, { batch: 2, length, adapters: method === "lora" });
      expect(Math.abs(formula / activations - 1)).toBeLessThan(0.1);
    }
  } finally {
    model.close();
  }
});

test(
  "a model on disk is counted from its weights and graphs; data by the network that would learn from it",
  { timeout: 60_000 },
  async () => {
    const model = await planOf(join(fixture, "llama.gguf"), { method: "lora", batch: 2, context: 32 });
    expect(model).toMatchObject({
      kind: "language",
      settings: { method: "lora", bits: 32, batch: 2, context: 32 },
      shape: { layers: 2, assumed: false },
    });
    expect(model.bytes.optimizer).toBeGreaterThanOrEqual(8 * model.trainable);
    expect(model.total).toBe(Object.values(model.bytes).reduce((sum, one) => sum + one, 0));
    await expect(planOf(join(fixture, "llama.gguf"), { context: 4096 })).rejects.toMatchObject({ code: "usage" });
    const folder = await mkdtemp(join(tmpdir(), "paddock-memory-"));
    try {
      const data = join(folder, "a.csv");
      await writeFile(data, `x,y\n${Array.from({ length: 200 }, (_, i) => `${i},${(i * 7) % 13}`).join("\n")}\n`);
      const found = await forecastMemory({ of: data }, { ...source, cache: folder });
      expect(found).toMatchObject({ kind: "data", settings: { method: "full", bits: 32 } });
      expect(found.bytes.weights).toBeGreaterThanOrEqual(4 * found.parameters);
      await expect(forecastMemory({ of: data, method: "lora" }, { ...source, cache: folder })).rejects.toMatchObject({ code: "usage" });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
