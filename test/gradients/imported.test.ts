// Graphs that PyTorch's two exporters wrote (test/references/models.py): loss and every gradient against PyTorch's own.
import { basename } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readModel } from "../../worker/formats/onnx.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { toNumbers } from "../../worker/tensor.ts";
import { gradientGraph } from "../../worker/train/gradientGraph.ts";
import { expectPyTorchs, exported } from "./exported.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

test("there are graphs", () => expect(exported.length).toBeGreaterThan(3));

for (const net of exported)
  describe(net.name, () => {
    for (const file of net.files)
      test(basename(file), async () => {
        const session = await engine.load(gradientGraph(readModel(file), { loss: "loss" }));
        const out = await session.run(net.inputs);
        await session.dispose();
        expectPyTorchs(net, { loss: toNumbers(out["loss"]!)[0]!, slope: (name) => out[`grad:${name}`] });
      });
  });
