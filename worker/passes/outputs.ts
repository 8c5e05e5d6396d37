// Operators made to give what they know besides their result, which their gradients then need not compute again. Handled:
// LayerNormalization (mean, 1/σ) and SoftmaxCrossEntropyLoss (log softmax).
import type { Graph } from "../onnx/graph.ts";
import { rewrite } from "./rewrite.ts";

const outputs: Record<string, number> = { LayerNormalization: 3, SoftmaxCrossEntropyLoss: 2 };

export function fullOutputs(graph: Graph): Graph {
  return rewrite(graph, (g, node, x) => {
    const wanted = node.domain === "" ? outputs[node.type] : undefined;
    if (!wanted || node.outputs.length >= wanted) return undefined;
    return g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, wanted);
  });
}
