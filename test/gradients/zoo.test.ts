// A few of the zoo's graphs (test/references/zoo/goldens.py): loss and every gradient against PyTorch's own. The whole zoo is swept by
// test/references/zoo/sweep.py.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { readModel } from "../../worker/formats/onnx.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { type DType, fromRawBytes, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradientGraph } from "../../worker/train/gradientGraph.ts";

interface Stored {
  dtype: Exclude<DType, "string">;
  dims: number[];
  base64: string;
}
interface Golden {
  name: string;
  loss: number;
  /** The name of the loss. */
  output: string;
  inputs: Record<string, Stored>;
  gradients: Record<string, Stored>;
  model: string;
}

const goldens = fileURLToPath(new URL("../references/zoo/goldens/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "paddock-zoo-"));
const engine = await openEngine("cpu", { threads: 1 });
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

const read = ({ dtype, dims, base64 }: Stored): Tensor => fromRawBytes(dtype, dims, Buffer.from(base64, "base64"));
const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

for (const file of readdirSync(goldens))
  describe(file.replace(".json", ""), () => {
    for (const golden of JSON.parse(readFileSync(goldens + file, "utf8")) as Golden[])
      test(golden.name, async () => {
        const path = join(folder, "model.onnx");
        writeFileSync(path, Buffer.from(golden.model, "base64"));
        const names = Object.keys(golden.gradients);
        const session = await engine.load(gradientGraph(readModel(path), { loss: golden.output, wrt: names }));
        const wanted = new Set(session.inputs.map((i) => i.name));
        const feeds = Object.entries(golden.inputs).filter(([name]) => wanted.has(name));
        const out = await session.run(Object.fromEntries(feeds.map(([name, t]) => [name, read(t)])));
        await session.dispose();
        expect(Math.abs(toNumbers(out[golden.output]!)[0]! - golden.loss)).toBeLessThan(1e-5 * Math.max(1, Math.abs(golden.loss)));
        const whole = Math.max(...Object.values(golden.gradients).map((stored) => norm(toNumbers(read(stored)))));
        for (const [name, stored] of Object.entries(golden.gradients)) {
          const expected = toNumbers(read(stored));
          const got = out[`grad:${name}`]!;
          expect(got.dims, name).toEqual(stored.dims);
          // A gradient that is 0 but for rounding (a bias before a normalisation) is held against the largest one.
          const gap = norm(toNumbers(got).map((v, i) => v - expected[i]!)) / Math.max(norm(expected), 1e-3 * whole, 1e-12);
          expect(gap, `${name}: norm of the difference over norm`).toBeLessThan(1e-4);
        }
      });
  });
