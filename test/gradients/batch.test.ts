// Operators on images when the batch is known only as the graph runs: its length stays symbolic through the rule, and the graph runs.
import { afterAll, expect, test } from "vitest";
import { convolutions } from "../../worker/ops/conv.ts";
import { imageNormalisations } from "../../worker/ops/normaliseImages.ts";
import type { Op } from "../../worker/ops/op.ts";
import { pools } from "../../worker/ops/pool.ts";
import { resizing } from "../../worker/ops/resize.ts";
import { samplings } from "../../worker/ops/sampling.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { caseOf, samplesOf } from "./check.ts";

const engine = await openEngine("cpu", { threads: 1 });
afterAll(() => engine.dispose());

const entries: Record<string, Op> = { ...convolutions, ...pools, ...resizing, ...samplings, ...imageNormalisations };

for (const [type, entry] of Object.entries(entries))
  test(type, async () => {
    for (const [i, sample] of samplesOf(entry).entries()) {
      const { graph, feeds, wrt } = caseOf(type, sample, "float32", true, type === "GridSample" ? [0, 1] : [0]);
      for (const name of wrt) expect(graph.info(`grad:${name}`)?.dims, `sample ${i}, ${name}`).toEqual(graph.info(name)!.dims);
      const session = await engine.load(graph);
      const out = await session.run(feeds);
      for (const name of wrt) expect(out[`grad:${name}`]!.dims, `sample ${i}, ${name}`).toEqual(feeds[name]!.dims);
      await session.dispose();
    }
  });
