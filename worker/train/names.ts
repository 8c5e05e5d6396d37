// Names that a training step adds to a model: `lr`, `t`, `seed` and the moments. Values inside the model give way; what a caller feeds or reads
// by its name does not, and is refused.
import { AppError } from "../../ipc/error.ts";
import type { Graph } from "../onnx/graph.ts";

/**
 * The graph, or a copy in which values that nodes make have other names than these.
 * @throws modelInvalid where an input, an output or an initializer has such a name
 */
export function withRoom(graph: Graph, wanted: readonly string[]): Graph {
  const taken = [...new Set(wanted)].filter((name) => graph.defines(name));
  const seen = new Set(graph.outputs.map((o) => o.name));
  const fixed = taken.find((name) => seen.has(name) || !graph.producer(name));
  if (fixed !== undefined) {
    const what = graph.initializers.has(fixed) ? "initializer" : graph.inputs.some((i) => i.name === fixed) ? "input" : "output";
    throw new AppError(
      "modelInvalid",
      `The model's ${what} '${fixed}' has a name that a training step needs for itself.`,
      "Rename it in the model: a step adds lr, t, seed, and moments such as <parameter>:m.",
      { value: fixed },
    );
  }
  if (!taken.length) return graph;
  const copy = graph.clone();
  copy.reserve(wanted);
  copy.rename(new Map(taken.map((name) => [name, copy.fresh(name)])));
  return copy;
}
