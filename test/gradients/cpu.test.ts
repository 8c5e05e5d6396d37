// The table on the CPU: every operator's type rule against the runtime's own shapes, every gradient rule against difference quotients.
import { afterAll, describe, expect, test } from "vitest";
import { openEngine } from "../../worker/run/engine.ts";
import { caseOf, differences, differentiable, distance, entries, floatFor, ruleGradients, samplesOf } from "./check.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

describe("gradients by central differences", () => {
  for (const [type, entry] of differentiable)
    test(type, async () => {
      for (const [i, sample] of samplesOf(entry).entries()) {
        const float = floatFor(type, sample);
        const rule = await ruleGradients(engine, type, sample, float);
        if (!rule.size) continue;
        const numeric = await differences(engine, type, sample, float);
        const linear = sample.step === 1;
        const tolerance = float === "float64" ? (linear ? 1e-12 : 1e-7) : linear ? 1e-5 : 2e-3; // float32 quotients: 1e-2² off, and 1e-7 / 1e-2
        for (const [name, dx] of rule)
          expect(distance(dx, numeric.get(name)!), `${type}, sample ${i}, ${name} (${float}, seed 1)`).toBeLessThan(tolerance);
      }
    });
});

describe("types as the runtime has them", () => {
  for (const [type, entry] of entries)
    test(type, async () => {
      expect(entry.samples.length, `${type} has no samples`).toBeGreaterThan(0);
      for (const sample of samplesOf(entry)) {
        const { graph, feeds } = caseOf(type, sample, "float32", typeof entry.grad === "function");
        const session = await engine.load(graph);
        const out = await session.run(feeds);
        for (const { name, dtype, dims } of graph.outputs) {
          expect(out[name]!.dtype, `${type}: ${name}`).toBe(dtype);
          expect(out[name]!.dims.length, `${type}: ${name}`).toBe(dims.length);
          dims.forEach((d, i) => typeof d === "number" && expect(out[name]!.dims[i], `${type}: axis ${i} of ${name}`).toBe(d));
        }
        await session.dispose();
      }
    });
});
