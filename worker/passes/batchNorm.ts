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
