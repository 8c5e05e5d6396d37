// Nodes that a provider takes on and then refuses while it runs: they are left to the CPU. What a provider says beforehand that it has not,
// ONNX Runtime leaves to the CPU by itself. Each entry is held by a sample in test/gradients/webgpu.test.ts.
import type { Graph, Node } from "../onnx/graph.ts";

const refused: Record<string, Record<string, (node: Node) => boolean>> = {
  webgpu: {
    /** "The Indices output is not supported yet." */
    MaxPool: (node) => Boolean(node.outputs[1]),
    /** An ellipsis over operands of different ranks. */
    Einsum: (node) => JSON.stringify(node.attrs["equation"] ?? "").includes("..."),
    /** "trainingMode is not supported yet." */
    BatchNormalization: (node) => node.attrs["training_mode"]?.value === 1,
  },
};

/** The graph, its refused nodes with names of their own, and those names. */
export function leftToCpu(graph: Graph, device: string): { graph: Graph; names: string[] } {
  const table = refused[device];
  const names: string[] = [];
  if (!table || !graph.nodes.some((node) => isRefused(node))) return { graph, names };
  const copy = graph.clone();
  copy.replaceNodes(
    graph.nodes.map((node, i) => {
      if (!isRefused(node)) return node;
      const name = `cpu.${node.type}.${i}`;
      names.push(name);
      return { ...node, name };
    }),
  );
  return { graph: copy, names };

  function isRefused(node: Node): boolean {
    return node.domain === "" && (table?.[node.type]?.(node) ?? false);
  }
}
