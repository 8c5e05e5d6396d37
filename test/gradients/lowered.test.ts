// Every form that a device may be given against the one that the rules write, over all samples: the same numbers, with lengths known and not.
import { afterAll, describe, expect, test } from "vitest";
import { lower } from "../../worker/passes/lower.ts";
import { runPasses } from "../../worker/passes/pass.ts";
import { normal, type SampleSpec } from "../../worker/ops/samples.ts";
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

const conv = (inputs: readonly (readonly number[])[], attrs: SampleSpec["attrs"] = {}): SampleSpec => ({
  inputs: inputs.map((dims) => normal(...dims)),
  attrs,
  float32: true,
});

/** Shapes at which forms are chosen that the samples are too small for. */
const large: [string, SampleSpec][] = [
  ["Conv", conv([[3, 40, 4, 4], [96, 40, 3, 3], [96]], { pads: [1, 1, 1, 1], strides: [2, 2] })], // prettier-ignore
  ["Conv", conv([[2, 64, 2, 3], [64, 64, 3, 3]], { pads: [2, 1, 0, 1], dilations: [1, 2] })], // prettier-ignore
  ["Conv", conv([[2, 200, 2, 2], [180, 200, 1, 1], [180]])], // prettier-ignore
  ["Conv", conv([[2, 200, 3, 3], [180, 200, 1, 1]], { strides: [2, 2] })], // prettier-ignore
  ["Conv", conv([[2, 120, 5], [100, 120, 3]], { pads: [1, 1] })], // prettier-ignore
  ["Conv", conv([[2, 32, 2, 2, 2], [40, 32, 3, 3, 3]], { pads: [1, 1, 1, 1, 1, 1] })], // prettier-ignore
  ["Conv", conv([[2, 80, 3, 3], [90, 80, 3, 3]], { auto_pad: "SAME_UPPER", strides: [2, 2] })], // prettier-ignore
  ["ConvTranspose", conv([[3, 64, 2, 2], [64, 60, 3, 3], [60]], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] })], // prettier-ignore
  ["ConvTranspose", conv([[3, 190, 3, 3], [190, 180, 1, 1], [180]])], // prettier-ignore
  ["ConvTranspose", conv([[2, 130, 2, 4], [130, 70, 2, 2]], { strides: [2, 2] })], // prettier-ignore
];

describe("the chosen forms give what the plain ones give", () => {
  for (const [type, entry] of differentiable)
    test(type, async () => {
      for (const sample of samplesOf(entry)) {
        await compare(type, sample, []);
        if (free.has(type)) await compare(type, sample, [0]);
      }
    });
  for (const [i, [type, sample]] of large.entries())
    test(`${type}, larger ${i}`, async () => {
      await compare(type, sample, []);
      await compare(type, sample, [0]);
    });
});
