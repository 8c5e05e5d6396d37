// Thirty steps of LoRA beside PEFT's: the same model, first adapter, batches and optimizer give the same losses and the same adapter.
// How the reference was made: test/references/lora.py.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLanguageModel } from "../../worker/models/language/index.ts";
import { tuningGraph } from "../../worker/models/language/tune.ts";
import { openEngine } from "../../worker/run/engine.ts";
import { int64, type Tensor } from "../../worker/tensor.ts";
import { trainingPlan } from "../../worker/train/step.ts";
import { root } from "../shared.ts";

interface Run {
  rank: number;
  alpha: number;
  stabilised: boolean;
  targets: string[] | "all-linear";
  first: Record<string, { dims: number[]; data: number[] }>;
  last: Run["first"];
  batches: { ids: number[][]; labels: number[][] }[];
  losses: number[];
}

const folder = join(root, "test/references/language");
const { runs } = JSON.parse(readFileSync(join(folder, "lora.json"), "utf8")) as { runs: Record<string, Run> };

test.each(Object.entries(runs))("%s", async (name, run) => {
  const model = openLanguageModel(join(folder, name));
  const own = (key: string) => key.replace(`base_model.model.${model.family.prefix ?? ""}`, "");
  const given = new Map(Object.entries(run.first).map(([key, { data }]) => [own(key), Float32Array.from(data)]));
  const [batch, length] = [run.batches[0]!.ids.length, run.batches[0]!.ids[0]!.length];
  const { graph, adapted } = tuningGraph(model, {
    method: "lora",
    adapter: {
      rank: run.rank,
      alpha: run.alpha,
      stabilised: run.stabilised,
      seed: 1,
      given,
      targets: run.targets === "all-linear" ? "all" : run.targets,
    },
  });
  model.close();
  expect(adapted).toHaveLength(Object.keys(run.first).length / 2);
  expect([...graph.parameters].sort()).toEqual([...given.keys()].sort());
  const engine = await openEngine("cpu");
  try {
    const session = await engine.train(trainingPlan(graph, { loss: "loss", optimizer: { name: "adamw", weightDecay: 0 } }), undefined);
    for (const [i, { ids, labels }] of run.batches.entries()) {
      const after = labels.map((row) => [...row.slice(1), -100]);
      const feeds: Record<string, Tensor> = { input_ids: int64([batch, length], ids.flat()), labels: int64([batch, length], after.flat()) };
      const { loss } = await session.step(feeds, 3e-3);
      expect(Math.abs((loss!.data[0] as number) - run.losses[i]!), `step ${i + 1}`).toBeLessThan(1e-4 * run.losses[i]!);
    }
    const states = await session.read();
    for (const [key, { data }] of Object.entries(run.last)) {
      const values = states.get(own(key))!.data as Float32Array;
      data.forEach((value, n) => expect(Math.abs(values[n]! - value), key).toBeLessThan(2e-3));
    }
  } finally {
    await engine.dispose();
  }
});
