// paddock plan: numbers, refusals with their exit codes, and a trial that later forecasts learn from.
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../shared.ts";
import { paddock } from "./setUp.ts";

test("a size, as JSON and in words", async () => {
  const { code, json } = await paddock(["plan", "6B", "--json"]);
  expect(code).toBe(0);
  expect(json).toMatchObject({ parameters: 6e9, bytes: { weights: 24e9, gradients: 0 } });
  expect((json["fits"] as object[])[0]).toMatchObject({ device: "cpu", by: "free" });
  const { bytes, total } = json as { bytes: Record<string, number>; total: number };
  expect(Object.values(bytes).reduce((sum, one) => sum + one, 0)).toBe(total);
});

test.each(["1e99B", "0B", "-3B"])("%s is wrong usage", async (size) => {
  expect((await paddock(["plan", size, "--json"])).code).toBe(2);
});

test("a file that is not there is bad input", async () => {
  expect((await paddock(["plan", "nowhere.gguf", "--json"])).code).toBe(3);
});

test("a model is tried, and the measurement is kept and used", async () => {
  const model = join(root, "test/references/language/llama.gguf");
  const asked = ["plan", model, "--method", "lora", "--batch", "2", "--context", "16", "--json"];
  const { json } = await paddock([...asked, "--try"]);
  const tried = json as { measured: { bytes: number }; total: number; learnedFrom: number };
  expect(tried.learnedFrom).toBe(1);
  expect(Math.abs(tried.total / tried.measured.bytes - 1)).toBeLessThan(0.15);
  expect((await paddock(asked)).json).toMatchObject({ total: tried.total, measured: { bytes: tried.measured.bytes } });
});
