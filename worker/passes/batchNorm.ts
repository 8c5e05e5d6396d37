// BatchNormalization in training made of plain operators. ONNX Runtime's own writes the running statistics into its inputs' memory, other
// devices than the CPU have none, and the gradient asks for the batch's statistics, which plain nodes share with it.
// Handled: training_mode 1 with any of its outputs. Left alone: frozen ones.
import type { Graph } from "../onnx/graph.ts";
import { batchNormalisation } from "../ops/normaliseImages.ts";
import { Attrs } from "../ops/op.ts";
import { rewrite } from "./rewrite.ts";

/**
 * The graph with the running statistics of its normalisations in training among its outputs, and their names by the initializers they follow.
 * A normalisation that is used several times goes on from where the use before it ended.
 */
export function withStatistics(graph: Graph): { graph: Graph; statistics: Map<string, string> } {
  const statistics = new Map<string, string>();
  const copy = graph.clone();
  copy.replaceNodes(
    graph.nodes.map((node) => {
      if (node.type !== "BatchNormalization" || node.domain !== "" || !node.attrs["training_mode"]?.value) return node;
      const [inputs, outputs] = [[...node.inputs], [...node.outputs]];
      for (const i of [1, 2]) {
        const source = inputs[i + 2]!;
        if (!graph.initializers.has(source)) continue;
        inputs[i + 2] = statistics.get(source) ?? source;
        outputs[i] ||= copy.fresh(`${source}.next`);
        statistics.set(source, outputs[i]);
      }
      return { ...node, inputs, outputs: [...outputs].map((name) => name ?? "") };
    }),
  );
  for (const [source, name] of statistics) copy.setInfo({ ...graph.info(source)!, name });
  const kept = new Set(graph.outputs.map((o) => o.name));
  copy.setOutputs([...kept, ...[...statistics.values()].filter((name) => !kept.has(name))]);
  return { graph: copy, statistics };
}

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
