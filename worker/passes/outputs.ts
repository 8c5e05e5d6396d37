// Operators made to give what they know besides their result, which their gradients then need not compute again. Handled:
// LayerNormalization (mean, 1/σ), SoftmaxCrossEntropyLoss (log softmax), Dropout (its mask) and RNN, GRU and LSTM (the states of every step).
import type { Graph } from "../onnx/graph.ts";
import { rewrite } from "./rewrite.ts";

const outputs: Record<string, number> = { LayerNormalization: 3, SoftmaxCrossEntropyLoss: 2, Dropout: 2 };

const recurrent = new Set(["RNN", "GRU", "LSTM"]);

export function fullOutputs(graph: Graph): Graph {
  return rewrite(graph, (g, node, x) => {
    const wanted = node.domain === "" ? outputs[node.type] : undefined;
    if (node.domain === "" && recurrent.has(node.type) && !node.outputs[0])
      return g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, node.outputs.length);
    if (!wanted || node.outputs.length >= wanted) return undefined;
    return g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, wanted);
  });
}
