// Networks of transformers as PyTorch's two exporters wrote them (test/references/zoo/transformers_goldens.py; the whole zoo is swept by
// transformers_sweep.py beside it): loss and every gradient against PyTorch's own, at the size of the export and, where lengths vary, at
// another.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { openModel } from "../../worker/formats/onnx.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { type DType, fromRawBytes, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradientGraph } from "../../worker/train/gradientGraph.ts";

interface Stored {
  dtype: Exclude<DType, "string">;
  dims: number[];
  base64: string;
}
/** The norm of a gradient, and its products with sin i and cos i, i counting from 1. */
type Measured = [number, number, number];
interface Reference {
  file: string;
  /** Where a parameter stands in the file: a tied one more than once, sometimes turned. Its gradient is the sum. */
  parameters: Record<string, { dims: number[]; stored: { name: string; turned: boolean }[] }>;
  cases: { inputs: Record<string, Stored>; loss: number; gradients: Record<string, Measured> }[];
}

const folder = fileURLToPath(new URL("../references/zoo/text/", import.meta.url));
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const read = ({ dtype, dims, base64 }: Stored): Tensor => fromRawBytes(dtype, dims, Buffer.from(base64, "base64"));

/** A matrix of these dims, given as its transpose. */
const turnedBack = (values: number[], [rows, columns]: number[]): number[] =>
  values.map((_, i) => values[(i % columns!) * rows! + Math.floor(i / columns!)]!);

function measured(values: number[]): Measured {
  const sum = (f: (v: number, i: number) => number) => values.reduce((total, v, i) => total + f(v, i + 1), 0);
  return [Math.sqrt(sum((v) => v * v)), sum((v, i) => v * Math.sin(i)), sum((v, i) => v * Math.cos(i))];
}

for (const json of readdirSync(folder).filter((f) => f.endsWith(".json"))) {
  const reference = JSON.parse(readFileSync(folder + json, "utf8")) as Reference;
  test(reference.file, async () => {
    const { graph, file } = openModel(folder + reference.file);
    const loss = graph.outputs[0]!.name;
    const session = await engine.load(gradientGraph(graph, { loss, wrt: file.parameters, gone: file.initializers }));
    for (const { inputs, loss: wanted, gradients } of reference.cases) {
      const out = await session.run(Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, read(t)])));
      expect(Math.abs(toNumbers(out[loss]!)[0]! / wanted - 1)).toBeLessThan(1e-5);
      const whole = Math.sqrt(Object.values(gradients).reduce((sum, [norm]) => sum + norm * norm, 0));
      for (const [name, truth] of Object.entries(gradients)) {
        const { dims, stored } = reference.parameters[name]!;
        const parts = stored.map(({ name: place, turned }) => {
          const dx = out[`grad:${place}`];
          expect(dx, `${name} (as ${place})`).toBeDefined();
          return turned ? turnedBack(toNumbers(dx!), dims) : toNumbers(dx!);
        });
        const got = measured(parts[0]!.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0)));
        // A gradient that is zero but for rounding (a bias of attention keys) is held against all of them.
        const scale = Math.max(truth[0], 1e-3 * whole);
        truth.forEach((v, i) => expect(Math.abs(got[i]! - v) / scale, `${name}: measure ${i}`).toBeLessThan(1e-4));
      }
    }
    await session.dispose();
  });
}
