// Every form that a device may be given against the one that the rules write, over all samples: the same numbers, with lengths known and not.
import { afterAll, describe, expect, test } from "vitest";
import { lower } from "../../worker/passes/lower.ts";
import { runPasses } from "../../worker/passes/pass.ts";
import type { SampleSpec } from "../../worker/ops/samples.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { toNumbers } from "../../worker/tensor.ts";
import { caseOf, differentiable, distance, floatFor, samplesOf } from "./check.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

/** Operators on images keep their batch symbolic (batch.test.ts). */
const free = new Set("Conv ConvTranspose MaxPool AveragePool GlobalAveragePool BatchNormalization InstanceNormalization Resize".split(" "));

async function compare(type: string, sample: SampleSpec, symbolic: readonly number[]): Promise<void> {
  const float = floatFor(type, sample);
  const { graph, feeds, wrt } = caseOf(type, sample, float, true, symbolic);
  if (!graph.outputs.some((o) => o.name === "loss")) return;
  const outputs = wrt.map((name) => `grad:${name}`);
  const plain = await engine.load(graph);
  const expected = await plain.run(feeds);
  await plain.dispose();
  for (const device of ["cpu", "webgpu"]) {
    const lowered = runPasses(graph, lower(device));
    expect(lowered.outputs).toEqual(graph.outputs);
    const session = await engine.load(lowered);
    const found = await session.run(feeds);
    await session.dispose();
    for (const name of outputs)
      expect(distance(toNumbers(found[name]!), toNumbers(expected[name]!)), `${name} for ${device}`).toBeLessThan(
        float === "float64" ? 1e-12 : 2e-6,
      );
  }
}

describe("the chosen forms give what the plain ones give", () => {
  for (const [type, entry] of differentiable)
    test(type, async () => {
      for (const sample of samplesOf(entry)) {
        await compare(type, sample, []);
        if (free.has(type)) await compare(type, sample, [0]);
      }
    });
});
