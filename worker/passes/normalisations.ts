// Normalisations made to give their statistics too, which their gradients then need not compute again.
import type { Graph } from "../onnx/graph.ts";
import { rewrite } from "./rewrite.ts";

/** LayerNormalization with all three outputs. */
export function fullNormalisations(graph: Graph): Graph {
  return rewrite(graph, (g, node) =>
    node.type === "LayerNormalization" && node.domain === "" && node.outputs.length === 1 ? g.node(node, 3) : undefined,
  );
}
