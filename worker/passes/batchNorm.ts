// BatchNormalization in training made of plain operators. ONNX Runtime's own writes the running statistics into its inputs' memory, other
// devices than the CPU have none, and the gradient asks for the batch's statistics, which plain nodes share with it.
// Handled: training_mode 1 with any of its outputs. Left alone: frozen ones.
import type { Graph } from "../onnx/graph.ts";
import { batchNormalisation } from "../ops/normaliseImages.ts";
import { Attrs } from "../ops/op.ts";
import { rewrite } from "./rewrite.ts";

export function trainedBatchNorm(graph: Graph): Graph {
  if (!graph.nodes.some((node) => node.type === "BatchNormalization")) return graph;
  return rewrite(graph, (g, node, x) => {
    if (node.type !== "BatchNormalization" || node.domain !== "") return undefined;
    const attrs = new Attrs(node.type, node.attrs);
    if (!attrs.int("training_mode", 0)) return undefined;
    const [image, scale, bias, mean, variance] = x;
    if (!image || !scale || !bias || !mean || !variance) return undefined; // the type rule has refused it before
    return batchNormalisation(g, [image, scale, bias, mean, variance], attrs);
  });
}

/** Batch normalisations in training: the initializers that hold a running mean or variance, and the values that these become. */
export function runningStatistics(graph: Graph): Map<string, string> {
  const found = new Map<string, string>();
  for (const node of graph.nodes) {
    if (node.type !== "BatchNormalization" || node.domain !== "" || !node.attrs["training_mode"]?.value) continue;
    for (const i of [1, 2]) {
      const [name, output] = [node.inputs[i + 2]!, node.outputs[i]];
      if (output && graph.initializers.has(name) && !found.has(name)) found.set(name, output);
    }
  }
  return found;
}
