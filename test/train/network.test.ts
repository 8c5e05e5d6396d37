// An imported network that takes a row of numbers, taught by a table: all of it, or a new last layer; what does not fit is refused.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { TrainSpec } from "../../ipc/types.ts";
import { evaluateRun } from "../../worker/run/evaluate.ts";
import { openPredictor } from "../../worker/run/predict.ts";
import { Control } from "../../worker/train/control.ts";
import { kinds } from "../../worker/train/kinds/index.ts";
import { trainRun } from "../../worker/train/run.ts";
import { classifier, regressor, rounded } from "../smallModels.ts";

const folder = mkdtempSync(join(tmpdir(), "paddock-network-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const cache = join(folder, "cache");
let runs = 0;

/** y = 3a - 2b + 5; kind: which third of a + b a row lies in. */
const rows = Array.from({ length: 400 }, (_, i) => {
  const [a, b] = [((i * 37) % 101) / 50 - 1, ((i * 53) % 97) / 48 - 1];
  const kind = a + b < -0.4 ? "low" : a + b < 0.4 ? "mid" : "high";
  return `${i % 40 === 7 ? "" : a.toFixed(3)},${b.toFixed(3)},${kind},${(3 * a - 2 * b + 5).toFixed(3)}`;
});
const data = join(folder, "data.csv");
writeFileSync(data, `a,b,kind,y\n${rows.join("\n")}\n`);
const numbers = join(folder, "numbers.csv");
writeFileSync(numbers, `a,b,y\n${rows.map((line) => line.replace(/,(low|mid|high),/, ",")).join("\n")}\n`);
const sides = join(folder, "sides.csv");
writeFileSync(
  sides,
  `a,b,side\n${rows.map((line, i) => `${line.split(",").slice(0, 2).join(",")},${i % 2 ? "left" : "right"}`).join("\n")}\n`,
);

async function train(spec: Omit<TrainSpec, "data"> & { data?: string }) {
  const run = join(folder, `run${runs++}`);
  const { signal } = new AbortController();
  const whole = { data: numbers, seconds: 30, seed: 3, ...spec };
  const result = await trainRun({ run, spec: whole, cache, control: new Control(signal), signal, onProgress: () => {}, onPoint: () => {} });
  return { run, result };
}

test("all of it learns on, and its file predicts and is judged like any other", async () => {
  const { run, result } = await train({ model: regressor(folder), method: "full", target: "y", epochs: 120, lr: 0.03 });
  expect(result.model).toEqual({ name: "regressor.onnx", parameters: 33, trainable: 33 });
  expect(result.metrics.test!["r2"]).toBeGreaterThan(0.9);
  const predictor = await openPredictor(run);
  try {
    const [one] = await predictor.predictRows([{ a: "0.5", b: "-0.5" }]);
    expect(one!.prediction as number).toBeCloseTo(7.5, 0);
    expect(predictor.card.licence).toContain("Made from regressor.onnx");
  } finally {
    await predictor.dispose();
  }
  expect((await evaluateRun(run, numbers, { cache })).metrics["r2"]).toBeGreaterThan(0.85);
});

test("its classes are found by their names, a new last layer learns others", async () => {
  const spec = { data, target: "kind", ignore: ["y"], epochs: 60 };
  const full = await train({ ...spec, model: classifier(folder), method: "full" });
  expect(full.result.metrics.test!["accuracy"]).toBeGreaterThan(0.85);
  const head = await train({ ...spec, model: regressor(folder), method: "head" });
  expect(head.result.model).toMatchObject({ name: "head on regressor.onnx", trainable: 8 * 3 + 3 });
  expect(head.result.metrics.test!["accuracy"]).toBeGreaterThan(0.6);
});

test("what does not fit is refused before anything is trained", async () => {
  const plan = (spec: Omit<TrainSpec, "data"> & { data?: string }) =>
    kinds.table.plan({ data: numbers, ...spec }, { cache, signal: new AbortController().signal });
  const refusals = [
    [{ model: classifier(folder), method: "full", target: "y" }, "usage", "gives 3 numbers a row"],
    [{ model: regressor(folder, 5), method: "head", target: "y" }, "shapeMismatch", "takes 5 numbers a row"],
    [{ model: rounded(folder), method: "full", target: "side", data: sides }, "gradientMissing", "it stops at DynamicQuantizeLinear"],
    [{ model: regressor(folder), method: "last", target: "y" }, "usage", "--method last"],
    [{ model: join(folder, "gone.onnx"), target: "y" }, "fileMissing", "gone.onnx"],
  ] as const;
  for (const [spec, code, words] of refusals)
    await expect(plan(spec), words).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
});
