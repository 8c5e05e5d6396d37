// Graphs that PyTorch's two exporters wrote (test/references/models.py): loss and every gradient against PyTorch's own.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readModel } from "../../worker/formats/onnx.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { fromRawBytes, type DType, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradientGraph } from "../../worker/train/gradientGraph.ts";

interface Stored {
  dtype: Exclude<DType, "string">;
  dims: number[];
  base64: string;
}
interface Reference {
  files: string[];
  loss: number;
  inputs: Record<string, Stored>;
  gradients: Record<string, Stored>;
}

/** Weights that two modules share: an exporter names them by either. */
const shared: Record<string, string> = { "wte.weight": "head.weight" };

const folder = fileURLToPath(new URL("../references/models/", import.meta.url));
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const read = ({ dtype, dims, base64 }: Stored): Tensor => fromRawBytes(dtype, dims, Buffer.from(base64, "base64"));

for (const json of readdirSync(folder).filter((f) => f.endsWith(".json"))) {
  const reference = JSON.parse(readFileSync(folder + json, "utf8")) as Reference;
  describe(json.replace(".json", ""), () => {
    for (const file of reference.files)
      test(file, async () => {
        expect(existsSync(folder + file)).toBe(true);
        const graph = gradientGraph(readModel(folder + file), { loss: "loss" });
        const session = await engine.load(graph);
        const out = await session.run(Object.fromEntries(Object.entries(reference.inputs).map(([name, t]) => [name, read(t)])));
        await session.dispose();
        expect(Math.abs(toNumbers(out["loss"]!)[0]! / reference.loss - 1)).toBeLessThan(1e-5);
        for (const [name, stored] of Object.entries(reference.gradients)) {
          const wanted = toNumbers(read(stored));
          const got = out[`grad:${name}`] ?? out[`grad:${shared[name]}`];
          expect(got, name).toBeDefined();
          expect(got!.dims, name).toEqual(stored.dims);
          const norm = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
          const gap = norm(toNumbers(got!).map((v, i) => v - wanted[i]!)) / Math.max(norm(wanted), 1e-6);
          expect(gap, `${name}: norm of the difference over norm`).toBeLessThan(1e-4);
        }
      });
  });
}
