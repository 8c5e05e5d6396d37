// Sequence models as PyTorch exports them: the loss and every gradient against PyTorch's own (test/references/sequences.py).
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { opset } from "../../worker/onnx/graph.ts";
import { check, sortNodes } from "../../worker/onnx/check.ts";
import { decodeModel } from "../../worker/onnx/proto.ts";
import { Builder } from "../../worker/ops/builder.ts";
import { inferGraph } from "../../worker/ops/infer.ts";
import { fullOutputs } from "../../worker/passes/outputs.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { fromNumbers, type Tensor, toNumbers } from "../../worker/tensor.ts";
import { gradients } from "../../worker/train/gradient.ts";

interface Reference {
  inputs: Record<string, number[]>;
  loss: number;
  gradients: Record<string, number[]>;
}

const folder = new URL("../references/sequences/", import.meta.url);
const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const norm = (values: readonly number[]): number => Math.hypot(...values);

describe("sequence models from PyTorch", () => {
  for (const name of ["lstm", "gru", "gpt"])
    test(name, async () => {
      const reference = JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as Reference;
      const read = decodeModel(readFileSync(new URL(`${name}.onnx`, folder)));
      sortNodes(read);
      check(read);
      read.opsets.set("", opset); // nothing that these files use has changed from 18 to 21
      inferGraph(read);
      const g = new Builder(fullOutputs(read));
      const wrt = Object.keys(reference.gradients);
      for (const [key, dx] of gradients(g, g.value("loss"), wrt)) g.output(dx, `grad:${key}`);
      const feeds = Object.fromEntries(
        g.graph.inputs.map(({ name: input, dtype, dims }): [string, Tensor] => [
          input,
          fromNumbers(dtype, dims as number[], reference.inputs[input]!),
        ]),
      );
      const session = await engine.load(g.graph);
      const out = await session.run(feeds);
      await session.dispose();
      expect(toNumbers(out["loss"]!)[0]).toBeCloseTo(reference.loss, 5);
      for (const key of wrt) {
        const want = reference.gradients[key]!;
        const off = norm(toNumbers(out[`grad:${key}`]!).map((v, i) => v - want[i]!)) / norm(want);
        expect(off, key).toBeLessThan(1e-4);
      }
    });
});
