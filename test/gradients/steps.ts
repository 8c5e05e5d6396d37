// Twenty training steps of a small net with everything a table net has: embeddings, normalisation, dropout, classes.
import { netBatch, netForward, netStep, type Net } from "../../bench/nets.ts";
import type { Graph } from "../../worker/onnx/graph.ts";
import { withoutDropout } from "../../worker/passes/dropout.ts";
import type { Engine } from "../../worker/run/engine.ts";
import { toNumbers } from "../../worker/tensor.ts";

export const smallNet: Net = {
  name: "small",
  widths: [6, 16, 16, 3],
  batch: 12,
  optimizer: "adamw",
  activation: "silu",
  dropout: 0.2,
  norm: true,
  categories: [5, 100],
  classes: true,
};

/** The forward graph as it is used after training: no dropout, no loss. */
export function inferenceGraph(net: Net): Graph {
  const graph = withoutDropout(netForward(net));
  graph.setOutputs(["out"]);
  graph.prune({ inputs: true });
  return graph;
}

/** Losses of the steps, the first weights after the last, and what the trained net then says of the batch. */
export async function twentySteps(engine: Engine): Promise<{ losses: number[]; weights: number[]; evaluated: number[] }> {
  const session = await engine.train(netStep(smallNet), inferenceGraph(smallNet));
  const batch = netBatch(smallNet);
  const losses: number[] = [];
  for (let i = 0; i < 20; i++) losses.push(Number((await session.step(batch, 1e-2))["loss"]!.data[0]));
  const weights = toNumbers((await session.read()).get("w0")!);
  const { out } = await session.evaluate({ x: batch["x"]!, codes: batch["codes"]! });
  await session.dispose();
  return { losses, weights, evaluated: toNumbers(out!) };
}
