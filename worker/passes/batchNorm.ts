// BatchNormalization in training made of plain operators. ONNX Runtime's own writes the running statistics into its inputs' memory, other
// devices than the CPU have none, and the gradient asks for the batch's statistics, which plain nodes share with it.
// Handled: training_mode 1 with any of its outputs. Left alone: frozen ones.
import type { Graph, Node } from "../onnx/graph.ts";
import type { Value } from "../ops/builder.ts";
import { batchNormalisation } from "../ops/normaliseImages.ts";
import { Attrs } from "../ops/op.ts";
import { rewrite } from "./rewrite.ts";

/** Running statistics of a graph in training: the initializer that holds one, and the value that it becomes. */
export interface Running {
  name: string;
  value: string;
}

/** @param unbiased see batchNormalisation */
export function trainedBatchNorm(graph: Graph, { unbiased = false } = {}): Graph {
  if (!graph.nodes.some(isTraining)) return graph;
  return rewrite(graph, (g, node, x) => {
    if (!isTraining(node)) return undefined;
    const [image, scale, bias, mean, variance] = x;
    if (!image || !scale || !bias || !mean || !variance) return undefined; // the type rule has refused it before
    return batchNormalisation(g, [image, scale, bias, mean, variance], new Attrs(node.type, node.attrs), unbiased);
  });
}

/**
 * The graph with the running statistics of its batch normalisations in training as outputs. Where two share statistics (a module called
 * twice), the second goes on from the first.
 */
export function withRunning(graph: Graph): { graph: Graph; running: Running[] } {
  const now = new Map<string, Value>();
  if (!graph.nodes.some(isTraining)) return { graph, running: [] };
  const after = rewrite(graph, (g, node, x) => {
    if (!isTraining(node) || x.length < 5 || x.some((v) => !v)) return undefined;
    const old = [3, 4].map((i) => x[i]!);
    const inputs = x.map((v, i) => (i < 3 ? v! : (now.get(v!.name) ?? v!)).name);
    const made = g.node({ ...node, inputs }, 3);
    old.forEach((v, i) => {
      if (!graph.initializers.has(v.name)) return;
      now.set(v.name, made[i + 1]!);
      if (!g.graph.outputs.some((o) => o.name === made[i + 1]!.name)) g.graph.addOutput(made[i + 1]!);
    });
    return made;
  });
  const running = [...now].map(([name, { name: value }]) => ({ name, value }));
  return { graph: after, running };
}

const isTraining = (node: Node): boolean =>
  node.type === "BatchNormalization" && node.domain === "" && Boolean(node.attrs["training_mode"]?.value);
