// Constants that stay where they are while the runtime computes with them: what is fed to each run, and what is given beside a model.
import { type Graph, outerNames } from "../onnx/graph.ts";
import type { Tensor } from "../tensor.ts";

/**
 * Constants of so many bytes are given beside the model: the runtime takes them from where they are. Within it, they are there four times while
 * a session is made (ours, the model's bytes, what is read from them, the session's).
 */
export const apart = 2 ** 16;

/** Operators that are about as fast over weights that the runtime has not laid out for itself. */
const takesShared = new Set(["Gemm", "Gather"]);
/** Constants of fewer bytes are not worth it. */
const worthSharing = 2 ** 20;

/**
 * Weights that can be fed to each run on the CPU: several sessions then share them, where each else has a copy, and one more for each operator
 * that lays it out anew. A step of LoRA over 180 million numbers, 4 × 128 tokens: 1.6 instead of 4.0 GB, and no slower; a token at a time takes
 * 1.2 times as long (2 cores). Levels of few bits are left to the runtime: fed, a token takes ten times as long.
 */
export function sharedConstants(graph: Graph): Map<string, Tensor> {
  const large = new Map([...graph.initializers].filter(([, { dtype, data }]) => dtype === "float32" && data.byteLength >= worthSharing));
  for (const node of graph.nodes)
    for (const name of [...node.inputs, ...outerNames(node)]) if (node.domain || !takesShared.has(node.type)) large.delete(name);
  return large;
}

/** The graph with these constants as inputs: those of them that are its own too, not others of the same name. */
export function fed(graph: Graph, fixed: ReadonlyMap<string, Tensor>): Graph {
  const names = [...fixed.keys()].filter((name) => graph.initializers.get(name)?.data === fixed.get(name)!.data);
  if (!names.length) return graph;
  const copy = graph.clone();
  copy.initializersToInputs(names);
  return copy;
}
