// Batch normalisation in steps of imported graphs, in training and frozen: five steps against PyTorch's (test/references/running.py).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { readModel } from "../../worker/formats/onnx.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { type DType, fromRawBytes, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { trainingStep } from "../../worker/train/step.ts";

interface Stored {
  dtype: Exclude<DType, "string">;
  dims: number[];
  base64: string;
}
interface Run {
  losses: number[];
  state: Record<string, Stored>;
}

const folder = fileURLToPath(new URL("../references/", import.meta.url));
const reference = JSON.parse(readFileSync(`${folder}running.json`, "utf8")) as {
  lr: number;
  inputs: Record<string, Stored>;
  training: Run;
  frozen: Run;
};
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const read = ({ dtype, dims, base64 }: Stored): Tensor => fromRawBytes(dtype, dims, Buffer.from(base64, "base64"));
const norm = (values: readonly number[]): number => Math.hypot(...values);

test.each(["training", "frozen"] as const)("%s", async (mode) => {
  const step = trainingStep(readModel(`${folder}running.${mode}.onnx`), { loss: "loss", optimizer: { name: "sgd" } });
  const statistics = Object.keys(reference[mode].state).filter((name) => name.includes("running"));
  const states = step.states.map((s) => s.name);
  for (const name of statistics) expect(states.includes(name), name).toBe(mode === "training");
  const session = await engine.train(step, undefined);
  const feeds = Object.fromEntries(Object.entries(reference.inputs).map(([name, t]) => [name, read(t)]));
  for (const expected of reference[mode].losses)
    expect(Number((await session.step(feeds, reference.lr))["loss"]!.data[0])).toBeCloseTo(expected, 4);
  const after = await session.read();
  await session.dispose();
  for (const [name, stored] of Object.entries(reference[mode].state)) {
    const got = after.get(name);
    if (!got) {
      expect(mode === "frozen" && statistics.includes(name), name).toBe(true);
      continue;
    }
    const wanted = toNumbers(read(stored));
    const gap = norm(toNumbers(got).map((v, i) => v - wanted[i]!)) / Math.max(norm(wanted), 1e-3);
    expect(gap, `${name}: norm of the difference over norm`).toBeLessThan(1e-4);
  }
});
