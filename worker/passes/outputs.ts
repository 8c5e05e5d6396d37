// Operators made to give what they know besides their result, which their gradients then need not compute again. Handled:
// LayerNormalization (mean, 1/σ), SoftmaxCrossEntropyLoss (log softmax), Dropout (its mask) and RNN, GRU and LSTM (the states of every step).
import type { Graph, Node } from "../onnx/graph.ts";
import { rewrite } from "./rewrite.ts";

const outputs: Record<string, number> = { LayerNormalization: 3, SoftmaxCrossEntropyLoss: 2, Dropout: 2 };

const recurrent = new Set(["RNN", "GRU", "LSTM"]);

/** A new graph, whatever is in it. */
export function fullOutputs(graph: Graph): Graph {
  if (!graph.nodes.some((node) => wanted(node) > node.outputs.length || isBare(node))) return graph.clone();
  return rewrite(graph, (g, node, x) => {
    const count = Math.max(wanted(node), node.outputs.length);
    if (count === node.outputs.length && !isBare(node)) return undefined;
    return g.node({ ...node, inputs: x.map((v) => v?.name ?? "") }, count);
  });
}

const wanted = (node: Node): number => (node.domain === "" && Object.hasOwn(outputs, node.type) ? outputs[node.type]! : 0);

/** Whether it gives its last state alone. */
const isBare = (node: Node): boolean => node.domain === "" && recurrent.has(node.type) && !node.outputs[0];
